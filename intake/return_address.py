"""Where mailed links go, and how that changes: the address of before is told, and the new one waits for a day.

Whoever sits at an open form can put another address into it. For a day the links still go to the one of before, so that
its owner can open the form and put the address right.
"""

import datetime

from django.db.models import Q
from django.utils import timezone

from clinic_site.audit.models import Actor
from clinic_site.audit.services import audit_event, record
from clinic_site.limits.services import is_within
from intake.answers import Answer, AnswerDocument
from intake.models import QuestionnaireResponse, ReturnKey
from intake.return_codes import address_index

WAIT = datetime.timedelta(hours=24)
# A mail server that is away is tried again for so long.
_TELL_FOR = datetime.timedelta(hours=1)
# Changed to and fro, a form sends no more than this to one address.
_NOTICES, _NOTICES_WINDOW = 3, datetime.timedelta(hours=1)
ADDRESS_FIELDS = ["address", "address_index", "next_address", "next_address_index", "next_address_from", "tell_until"]


def address_in(document: AnswerDocument) -> str:
    """The e-mail address among the answers, or nothing."""
    return document.value("email") or ""


def named_by(index: bytes) -> Q:
    """Ways back that are asked for by an address: the one that holds, or the one that waits."""
    now = timezone.now()
    holds = Q(next_address_from__isnull=True) | Q(next_address_from__gt=now)
    return holds & Q(address_index=index) | Q(next_address_from__isnull=False, next_address_index=index)


def follow_answers(response: QuestionnaireResponse, before: Answer | None, document: AnswerDocument) -> None:
    """Lets mailed links follow a changed answer; `before` is what was answered until now, on a locked response.

    A blank or unreadable address changes nothing: mails are ended on the page about coming back, which asks for the
    second thing.
    """
    address = address_in(document)
    # Before the first answer there is no address yet that links could go to.
    if before is None or not address or address == before.value:
        return
    key = locked_key(response)
    if key and key.address:
        lead_mails_to(key, address)
        key.save(update_fields=ADDRESS_FIELDS)


def locked_key(response: QuestionnaireResponse) -> ReturnKey | None:
    """The ways back to `response`, which is locked already; always in this order."""
    key = ReturnKey.objects.select_for_update().filter(response=response).first()
    if key:
        key.response = response
    return key


def lead_mails_to(key: ReturnKey, address: str) -> None:
    """Sets where links go, for the caller to save. The first address counts at once, and so does none at all."""
    end_wait(key)
    index = address_index(key.clinic_id, address) if address else b""
    sealed = key.response.data_key.seal(address, row=key, label="return.address") if address else b""
    if not (address and key.address) or index == key.address_index:
        key.address, key.address_index = sealed, index
        _forget_next(key)
    elif index != key.next_address_index:
        if key.next_address_from is None:
            told_often = not is_within(
                "return.told", bytes(key.address_index).hex(), limit=_NOTICES, window=_NOTICES_WINDOW
            )
            key.tell_until = None if told_often else timezone.now() + _TELL_FOR
        key.next_address, key.next_address_index = sealed, index
        key.next_address_from = timezone.now() + WAIT
        record(
            [
                audit_event(
                    "response.return-address-changed",
                    clinic_id=key.clinic_id,
                    entity=key.response,
                    actor=Actor.PATIENT,
                )
            ]
        )


def end_wait(key: ReturnKey) -> None:
    """Puts the new address in place once it has waited long enough, for the caller to save."""
    if key.next_address_from and key.next_address_from <= timezone.now():
        key.address, key.address_index = key.next_address, key.next_address_index
        _forget_next(key)


def _forget_next(key: ReturnKey) -> None:
    key.next_address = key.next_address_index = b""
    key.next_address_from = key.tell_until = None


def address_waits(response: QuestionnaireResponse) -> bool:
    return ReturnKey.objects.filter(response=response, next_address_from__gt=timezone.now()).exists()
