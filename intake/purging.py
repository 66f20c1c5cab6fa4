"""Drafts that nobody went on with for 30 days are removed, and the key of the record with them.

One that was started and never saved holds nothing, and goes after a day.
"""

import datetime
import logging
from collections import Counter
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from clinic_site.audit.services import audit_event, record
from intake.models import LinkRequest, QuestionnaireResponse, ResponseStatus, ReturnKey
from intake.returning import DRAFT_LIVES

log = logging.getLogger(__name__)
_BATCH = 100
EMPTY_DRAFT_LIVES = datetime.timedelta(days=1)


def purge_drafts() -> int:
    """Removes the old drafts of all clinics and returns how many. Safe to stop at any moment and to run twice.

    A draft that became a case, because somebody was in danger, stays. The audit keeps the number, by clinic.
    """
    purged: Counter[UUID] = Counter()
    last: UUID | None = None
    while True:
        with transaction.atomic():
            batch = _old_drafts(after=last)
            removed = Counter(draft.clinic_id for draft in batch if _remove(draft))
            record(
                [
                    audit_event("drafts.purged", clinic_id=clinic_id, count=count)
                    for clinic_id, count in sorted(removed.items())
                ]
            )
        purged += removed
        if len(batch) < _BATCH:
            break
        last = batch[-1].id
    # Of people whom nobody could mail; the worker removes the others at once.
    LinkRequest.objects.filter(asked_at__lt=timezone.now() - DRAFT_LIVES).delete()
    return purged.total()


def _old_drafts(*, after: UUID | None) -> list[QuestionnaireResponse]:
    now = timezone.now()
    ends, empty_ends = now - DRAFT_LIVES, now - EMPTY_DRAFT_LIVES
    old = QuestionnaireResponse.objects.select_related("data_key").filter(
        Q(saved_at__lt=ends) | Q(saved_at__isnull=True, started_at__lt=empty_ends), status=ResponseStatus.IN_PROGRESS
    )
    if after is not None:
        old = old.filter(id__gt=after)
    # Whoever saves a page at this moment holds the row, and the draft is not old any more.
    return list(old.order_by("id").select_for_update(of=("self",), skip_locked=True)[:_BATCH])


def _remove(draft: QuestionnaireResponse) -> bool:
    try:
        with transaction.atomic():
            ReturnKey.objects.filter(response=draft).delete()
            draft.delete()
            draft.data_key.delete()
    except ProtectedError:
        # It is a case by now, which keeps its record.
        return False
    return True
