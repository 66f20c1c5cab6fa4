"""The mailed link with which a person chooses a password. No administrator ever sets or learns one."""

import re
import secrets
import uuid
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from clinic_site.accounts.models import Invitation, User
from clinic_site.accounts.sessions import end_sessions
from clinic_site.accounts.staff_mail import invitation_mail
from clinic_site.audit.services import audit_event, record

LIVES = timedelta(hours=72)
# 26 characters of Crockford's alphabet: 130 random bits.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26


class NotUsable(Exception):
    """The link is unknown, used, withdrawn or too old. Which of these, nobody is told."""


def send_invitation(person: User, *, clinic_id: uuid.UUID, by: User | None, join_address: str) -> None:
    """Mails a new link; an earlier one ends. The caller holds the lock on the person."""
    now = timezone.now()
    _open_ones(person).update(withdrawn_at=now)
    token = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    Invitation.objects.create(person=person, digest=_digest(token), sent_at=now, expires_at=now + LIVES)
    grouped = "-".join(re.findall(".{1,5}", token))
    hours = int(LIVES.total_seconds() // 3600)
    invitation_mail(person, clinic_id=clinic_id, join_address=join_address, token=grouped, hours=hours)
    record([audit_event("staff.invitation-sent", clinic_id=clinic_id, entity=person, user=by)])


def withdraw_invitation(person: User, *, by: User | None) -> bool:
    """Ends the open link, if there is one. Part of the caller's transaction."""
    ended = bool(_open_ones(person).update(withdrawn_at=timezone.now()))
    if ended:
        record([audit_event("staff.invitation-withdrawn", clinic_id=None, entity=person, user=by)])
    return ended


def open_invitation(person: User) -> Invitation | None:
    return _open_ones(person).first()


@transaction.atomic
def redeem(token: str, password: str) -> User:
    """Sets the password of whom the link was mailed to. It signs nobody in.

    Raises NotUsable, and ValidationError when the password will not do; then the link stays good.
    """
    invitation = Invitation.objects.select_for_update().filter(digest=_digest(token)).first()
    if invitation is None or invitation.used_at or invitation.withdrawn_at or invitation.expires_at <= timezone.now():
        raise NotUsable
    person = User.objects.select_for_update(no_key=True).get(pk=invitation.person_id)
    if not person.is_active:
        raise NotUsable
    validate_password(password, person)
    person.set_password(password)
    person.save(update_fields=["password"])
    invitation.used_at = timezone.now()
    invitation.save(update_fields=["used_at"])
    end_sessions(person)
    record([audit_event("staff.invitation-used", clinic_id=None, entity=person, user=person)])
    return person


def _open_ones(person: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(person=person, used_at=None, withdrawn_at=None)


def _digest(token: str) -> bytes:
    """As it was mailed, or as somebody typed it: without dashes and blanks, O for 0 and I or L for 1."""
    letters = re.sub(r"[^0-9A-Z]", "", token.upper()).translate(str.maketrans("OIL", "011"))
    return sha256(b"invitation|" + letters.encode()).digest()
