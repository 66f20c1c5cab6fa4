"""Which cases of their clinic a clinician may read: their own, those in the shared queue, and what they answered for.

Everything else of the clinic opens by breaking the glass (`screening/break_glass.py`) or to the medical director.
Membership of the clinic is asked before, by `Case.objects.for_user`.
"""

import datetime

from django.utils import timezone

from clinic_site.accounts.models import User
from screening.models import Case


def may_read(case: Case, user: User) -> bool:
    """Whether `user` may see answers, flags, notes and decisions now. `case` comes from `with_relation_to(user.id)`."""
    if not user.may("case.read", case.clinic_id):
        return False
    return is_related(case, user) or glass_open_until(case) is not None


def is_related(case: Case, user: User) -> bool:
    """Whether the case is this reader's by itself, without breaking the glass."""
    if user.may("case.read-any", case.clinic_id) or case.owner_id == user.id or case.took_part:
        return True
    return case.is_open and (case.owner_id is None or case.awaits_second)


def glass_open_until(case: Case) -> datetime.datetime | None:
    """When the access that this reader broke the glass for ends, or None when none is running."""
    ends_at = case.glass_ends_at
    return ends_at if ends_at is not None and ends_at > timezone.now() else None
