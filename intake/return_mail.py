"""What the worker mails about drafts: the links that were asked for, two reminders, and word of a changed address.

These mails do not go through the outbox: a row there would hold the address and the token in plain. The token is made
in the moment of sending, and only its digest is stored. A mail says nothing about a person, a clinic or a treatment.
"""

import datetime
import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from clinic_site.clinics.models import Clinic
from clinic_site.encryption.cipher import CannotOpen
from intake.models import LinkRequest, ResponseStatus, ReturnKey
from intake.return_address import ADDRESS_FIELDS, end_wait, named_by
from intake.return_codes import grouped, link_code_digest, new_link_code, new_link_token, token_digest
from intake.returning import DRAFT_LIVES, LINK_LIVES

log = logging.getLogger(__name__)

_BATCH = 20
_GIVE_UP_AFTER = datetime.timedelta(hours=1)
# Days without a new answer after which a reminder goes out: the first, then the second, then none.
REMINDER_DAYS = (3, 10)

_LINK_MAIL = """Hello,

someone asked for a link to go on with a form. This one works once, in the next 10 minutes:

{link}

Or type this code on the page where you asked for it: {code}

You also need the six digits or the passphrase that you chose.

Did you not ask for this? Then you can delete this mail. Nobody can open the form with it alone.
"""
_REMINDER_MAIL = """Hello,

you started a form and asked us to help you find it again. To go on, open this page and ask for a link:

{page}

The form is kept for 30 days after the last time you saved it. If you do not want to go on, do nothing.
"""
_CHANGED_MAIL = """Hello,

the email address of a form was changed. For 24 hours, links to the form still come to this address. After that they go
to the new one.

Was it you? Then you need do nothing.

Was it not you? Then open this page before the 24 hours are over, ask for a link, and put the address in the form right:

{page}
"""


def send_links() -> int:
    """Answers the requests that are due. Returns how many there were."""
    now = timezone.now()
    with transaction.atomic():
        due = LinkRequest.objects.select_related("clinic").filter(next_attempt_at__lte=now)
        batch = list(due.order_by("next_attempt_at").select_for_update(of=("self",), skip_locked=True)[:_BATCH])
        for request in batch:
            if _answer(request):
                request.delete()
    return len(batch)


def _answer(request: LinkRequest) -> bool:
    """Sends a link if there is a draft with that address. False when it must be tried again."""
    key = _living().filter(named_by(bytes(request.address_index)), clinic=request.clinic).first()
    if key is None or request.asked_at < timezone.now() - _GIVE_UP_AFTER:
        return True
    end_wait(key)
    token, code = new_link_token(), new_link_code()
    key.link_digest, key.link_code_digest = token_digest(token), link_code_digest(key.clinic_id, code)
    key.link_ends_at, key.link_tries = timezone.now() + LINK_LIVES, 0
    key.save(update_fields=["link_digest", "link_code_digest", "link_ends_at", "link_tries", *ADDRESS_FIELDS])
    # Behind the # so that neither a log of the server nor one on the way holds the token.
    link = f"{_site()}{reverse('intake:open', args=[request.clinic.slug])}#{token}"
    if _send(key, "Your link", _LINK_MAIL.format(link=link, code=grouped(code))):
        return True
    request.attempts += 1
    request.next_attempt_at = timezone.now() + datetime.timedelta(seconds=min(600, 5 * 2**request.attempts))
    request.save(update_fields=["attempts", "next_attempt_at"])
    return False


def send_reminders() -> int:
    """Reminds people who asked for mail and have not gone on. Returns how many were due."""
    now, sent = timezone.now(), 0
    # The last one first: whoever is due for both, because the worker stood still, gets one.
    for number, days in reversed(list(enumerate(REMINDER_DAYS))):
        with transaction.atomic():
            quiet = _living().filter(reminders__lte=number, response__saved_at__lte=now - datetime.timedelta(days=days))
            for key in quiet.exclude(address=b"")[:_BATCH]:
                sent += 1
                end_wait(key)
                # Counted before it is sent: one reminder too few is better than the same one again and again.
                key.reminders = number + 1
                key.save(update_fields=["reminders", *ADDRESS_FIELDS])
                _send(key, "Your form is still there", _REMINDER_MAIL.format(page=_resume_page(key)))
    return sent


def tell_old_addresses() -> int:
    """Tells an address that links will go to another one. Returns how many were told; the others are tried again."""
    told = 0
    with transaction.atomic():
        for key in _living().filter(next_address_from__isnull=False, tell_until__gt=timezone.now())[:_BATCH]:
            if _send(key, "An address was changed", _CHANGED_MAIL.format(page=_resume_page(key))):
                key.tell_until = None
                key.save(update_fields=["tell_until"])
                told += 1
    return told


def _resume_page(key: ReturnKey) -> str:
    clinic = Clinic.objects.get(pk=key.clinic_id)
    return f"{_site()}{reverse('intake:resume', args=[clinic.slug])}"


def _living():  # type: ignore[no-untyped-def]
    """Ways back to drafts that still live, the one saved last first, each locked."""
    keys = ReturnKey.objects.select_related("response__data_key").select_for_update(of=("self",), skip_locked=True)
    return keys.filter(
        response__status=ResponseStatus.IN_PROGRESS, response__saved_at__gt=timezone.now() - DRAFT_LIVES
    ).order_by("-response__saved_at")


def _send(key: ReturnKey, subject: str, body: str) -> bool:
    try:
        address = key.response.data_key.unseal(key.address, row=key, label="return.address")
        EmailMessage(subject, body, to=[address]).send()
    except CannotOpen:
        log.error("The address of record %s can not be opened.", key.response.reference)
        return True
    except (OSError, smtplib.SMTPException) as error:
        log.error("A mail about record %s was not sent: %s", key.response.reference, type(error).__name__)
        return False
    return True


def _site() -> str:
    return str(settings.SITE_URL).rstrip("/")
