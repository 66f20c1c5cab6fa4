"""Sends what waits in the outbox: at least once, each message by one worker, later and later after a failure."""

import datetime
import logging
import smtplib

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.sealing import body_with_secret

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 10
_BATCH = 20


def deliver_waiting() -> int:
    """Tries one batch and returns how many messages it held, so that 0 means that nothing is due.

    A message that failed ten times stays in the outbox, and the log says so.
    """
    with transaction.atomic():
        waiting = OutboxMessage.objects.filter(
            sent_at__isnull=True, attempts__lt=MOST_ATTEMPTS, next_attempt_at__lte=timezone.now()
        )
        batch = list(waiting.order_by("next_attempt_at").select_for_update(skip_locked=True)[:_BATCH])
        for message in batch:
            _deliver(message)
        OutboxMessage.objects.bulk_update(batch, ["attempts", "next_attempt_at", "sent_at", "secret"])
    return len(batch)


def _deliver(message: OutboxMessage) -> None:
    message.attempts += 1
    try:
        body = body_with_secret(message)
    except CannotOpen:
        message.attempts = MOST_ATTEMPTS
        log.error("Message %s not sent: its secret does not open with this master key", message.id)
        return
    mail = EmailMessage(message.subject, body, to=[message.recipient], headers={"Message-ID": f"<{message.id}@outbox>"})
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        message.next_attempt_at = timezone.now() + datetime.timedelta(seconds=min(3600, 5 * 2**message.attempts))
        log.error("Message %s not sent (attempt %s): %s", message.id, message.attempts, type(error).__name__)
        if message.attempts == MOST_ATTEMPTS:
            record(
                [audit_event("message.given-up", clinic_id=message.clinic_id, entity=message, purpose=message.purpose)]
            )
    else:
        message.sent_at, message.secret = timezone.now(), ""
