"""Coming back to a draft in another browser: choosing how, asking for a link, opening with what one has."""

import datetime
import logging
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from clinic_site.audit.models import Actor
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from clinic_site.limits.services import count_use, forget, is_within
from clinic_site.messaging.models import OutboxMessage
from clinic_site.records import scope
from intake.access import Pass
from intake.models import AskedIn, LinkRequest, QuestionnaireResponse, ResponseStatus, ReturnKey
from intake.return_address import address_in, lead_mails_to, locked_key, named_by
from intake.return_codes import (
    address_index,
    grouped,
    link_code_digest,
    new_paper_code,
    paper_code_digest,
    token_digest,
)

log = logging.getLogger(__name__)

LINK_LIVES = datetime.timedelta(minutes=10)
DRAFT_LIVES = datetime.timedelta(days=30)
_TRIES_OF_A_LINK = 5
# Wrong second things for one draft; the pass of its own browser is never stopped by it.
_TRIES_OF_A_DRAFT = 10
_LINKS_OF_AN_ADDRESS = 3
_HOUR = datetime.timedelta(hours=1)
_ALARM_AT = 100


class NotThis(Exception):
    """What was given opens nothing: unknown, used, ended, or with the wrong second thing. Nobody is told which."""


@dataclass(frozen=True)
class Ways:
    """What a person chose. `second` is the six digits or the passphrase itself and is kept only as a hash."""

    second: str
    by_mail: bool
    on_paper: bool
    everywhere: bool


@dataclass(frozen=True)
class Shown:
    """What a browser shows to open a draft: a link's token or code, or a code on paper, and the second thing.

    `asked_index` is the address that a link was asked for in this browser, so that wrong codes count against that link.
    """

    second: str
    token: str = ""
    link_code: str = ""
    paper_code: str = ""
    asked_index: bytes = b""


@transaction.atomic
def choose_ways(public_id: str, ways: Ways) -> str:
    """Keeps how the person comes back, in place of what they chose before. Returns the code to write down, if one was
    asked for; it can not be shown again."""
    rows = QuestionnaireResponse.objects.select_related("data_key").select_for_update(of=("self",))
    response = rows.get(public_id=public_id)
    key = locked_key(response) or ReturnKey(clinic_id=response.clinic_id, response=response)
    key.second_hash = make_password(ways.second)
    key.asked_in = AskedIn.EVERYWHERE if ways.everywhere else AskedIn.ELSEWHERE
    lead_mails_to(key, address_in(response.document()) if ways.by_mail else "")
    code, key.paper_digest = "", b""
    if ways.on_paper:
        code = new_paper_code()
        key.paper_digest = paper_code_digest(response.clinic_id, code)
    _end_link(key)
    key.save()
    record([audit_event("response.return-chosen", clinic_id=key.clinic_id, entity=response, actor=Actor.PATIENT)])
    return grouped(code)


def ask_for_link(clinic: Clinic, address: str) -> bytes:
    """Leaves word for the worker; the same for every address. Above three in an hour nothing more is sent.

    Returns the address as an index, for the page that asks for the code.
    """
    index = address_index(clinic.id, address)
    if is_within("return.address", index.hex(), limit=_LINKS_OF_AN_ADDRESS, window=_HOUR):
        LinkRequest.objects.create(clinic=clinic, address_index=index)
    return index


def open_with(clinic: Clinic, shown: Shown) -> tuple[QuestionnaireResponse, str]:
    """The draft and a new secret for this browser; the one that held it before is shut out.

    Raises NotThis.
    """
    with transaction.atomic():
        key, by_link = _key_behind(clinic, shown)
        # Whoever names no draft waits as long as for a wrong second thing.
        matches = _second_matches(key, shown.second) if key else bool(make_password(shown.second)) and False
        if key and matches:
            response = key.response
            token = response.new_access_token()
            response.closed_at = None
            response.save(update_fields=["access_digest", "closed_at"])
            if by_link:
                _end_link(key)
            key.save()
            record(
                [
                    audit_event(
                        "response.opened-elsewhere",
                        clinic_id=clinic.id,
                        entity=response,
                        actor=Actor.PATIENT,
                        way="link" if by_link else "paper",
                    )
                ]
            )
            return response, token
    _count_failure(clinic)
    raise NotThis


def _key_behind(clinic: Clinic, shown: Shown) -> tuple[ReturnKey | None, bool]:
    """The row that is named, locked, if it may be tried once more; and whether a link names it. Counts the try."""
    now = timezone.now()
    # The response first, as everywhere: a page that is saved with another address locks both as well.
    keys = ReturnKey.objects.select_related("response").select_for_update(of=("response", "self"))
    keys = keys.filter(clinic=clinic, response__status=ResponseStatus.IN_PROGRESS)
    if shown.paper_code:
        key = keys.filter(paper_digest=paper_code_digest(clinic.id, shown.paper_code)).first()
        return (key if key and _is_alive(key, now) else None), False
    linked = keys.filter(link_ends_at__gt=now).exclude(link_digest=b"")
    if shown.token:
        key = linked.filter(link_digest=token_digest(shown.token)).first()
    else:
        key = linked.filter(link_code_digest=link_code_digest(clinic.id, shown.link_code)).first()
    if key is None and shown.asked_index:
        asked = linked.filter(named_by(shown.asked_index)).first()
        if asked:
            _count_try(asked)
        return None, True
    if key is None:
        return None, True
    _count_try(key)
    return (key if key.link_tries <= _TRIES_OF_A_LINK and _is_alive(key, now) else None), True


def _count_try(key: ReturnKey) -> None:
    key.link_tries += 1
    if key.link_tries > _TRIES_OF_A_LINK:
        _end_link(key)
        key.link_tries = _TRIES_OF_A_LINK + 1
    key.save(update_fields=["link_tries", "link_digest", "link_code_digest", "link_ends_at"])


def _end_link(key: ReturnKey) -> None:
    key.link_digest = key.link_code_digest = b""
    key.link_ends_at, key.link_tries = None, 0


def _is_alive(key: ReturnKey, now: datetime.datetime) -> bool:
    response = key.response
    return (response.saved_at or response.started_at) > now - DRAFT_LIVES


def _second_matches(key: ReturnKey, second: str) -> bool:
    subject = str(key.response_id)
    if not is_within("return.draft", subject, limit=_TRIES_OF_A_DRAFT, window=_HOUR):
        return False
    if not check_password(second, key.second_hash):
        return False
    forget("return.draft", subject)
    return True


def _count_failure(clinic: Clinic) -> None:
    """Many wrong ones at one clinic within an hour call the operator, once."""
    if count_use("return.clinic", str(clinic.id), window=_HOUR) != _ALARM_AT:
        return
    log.error("%s wrong tries within an hour to open a form at %s.", _ALARM_AT, clinic.slug)
    OutboxMessage.objects.create(
        clinic=clinic,
        purpose="return-guessing",
        recipient=settings.OPERATOR_EMAIL,
        subject="Many wrong codes within an hour",
        body=f"Within an hour {_ALARM_AT} codes were tried that open no form. The log of the web server tells when.\n",
    )


def asks_for_second(response: QuestionnaireResponse) -> bool:
    """Whether the browser that holds the draft must show the second thing too."""
    return ReturnKey.objects.filter(response=response, asked_in=AskedIn.EVERYWHERE).exists()


def has_ways(response: QuestionnaireResponse) -> bool:
    return ReturnKey.objects.filter(response=response).exists()


def knows_second(response: QuestionnaireResponse, second: str) -> bool:
    """For the browser that holds the draft. Throttled as elsewhere."""
    key = ReturnKey.objects.filter(response=response).first()
    return key is not None and _second_matches(key, second)


def leave_draft(public_id: str, held: Pass) -> bool:
    """Shuts the draft in the browser that holds it. True when that browser may forget it altogether: there is another
    way back, it was sent already, or the browser could not open it any more."""
    with scope.within(scope.of_response(public_id)):
        response = QuestionnaireResponse.objects.filter(public_id=public_id).first()
    if response is None or not response.opens_with(held.token):
        return True
    with scope.within(scope.of_clinics(response.clinic_id)):
        return _leave(response.id)


@transaction.atomic
def _leave(response_id: uuid.UUID) -> bool:
    response = QuestionnaireResponse.objects.select_for_update(of=("self",)).get(pk=response_id)
    if not response.is_draft:
        return True
    may_forget = has_ways(response)
    if may_forget:
        response.new_access_token()
    response.closed_at = timezone.now()
    response.save(update_fields=["access_digest", "closed_at"])
    record([audit_event("response.left", clinic_id=response.clinic_id, entity=response, actor=Actor.PATIENT)])
    return may_forget
