"""The way into a session: password, second factor, signed in; and a second factor again before what weighs most.

Until the second factor was used nobody is signed in: the session only remembers who is half-way. So no page can be
reached with a password alone, whatever it forgets to ask.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from clinic_site.accounts import sessions
from clinic_site.accounts.backends import StaffBackend
from clinic_site.accounts.factors import PASSKEY, RECOVERY, has_second_factor, kinds_of
from clinic_site.accounts.models import User
from clinic_site.accounts.notices import record_account, tell
from clinic_site.accounts.permissions import passkey_roles

FRESH = timedelta(minutes=5)
HALF_WAY = timedelta(minutes=10)
_PENDING, FACTOR = "pending", "factor"
_BACKEND = f"{StaffBackend.__module__}.{StaffBackend.__qualname__}"


@dataclass(frozen=True)
class HalfSigned:
    """Somebody who passed the password. `passed` is the second factor they used too, when their role asks for more."""

    user: User
    passed: str

    @property
    def may_enrol(self) -> bool:
        """A first factor, or the passkey that the role asks for. Never another one on the strength of a password."""
        return bool(self.passed) or not has_second_factor(self.user)


def begin(request: HttpRequest, user: User, *, passed: str = "") -> None:
    """The password was right. Whatever the session was before ends."""
    request.session.flush()
    request.session[_PENDING] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "at": timezone.now().timestamp(),
        "passed": passed,
    }
    rotate_token(request)


def half_signed(request: HttpRequest) -> HalfSigned | None:
    """Who is half-way in this session. A new password or ten minutes end it."""
    kept = request.session.get(_PENDING)
    if not kept or timezone.now().timestamp() - kept["at"] > HALF_WAY.total_seconds():
        return None
    user = StaffBackend().get_user(uuid.UUID(kept["user"]))
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return HalfSigned(user, kept["passed"])


def needs_passkey(user: User) -> bool:
    return settings.PASSKEY_REQUIRED and any(role in passkey_roles() for _clinic, role in user.granted())


def is_enough(user: User, kind: str) -> bool:
    """Whether this factor opens a session, or only the page where a passkey is made."""
    return kind == PASSKEY or not needs_passkey(user)


def takes_app_codes(user: User) -> bool:
    """Whoever must have a passkey and has one uses it."""
    return not (needs_passkey(user) and PASSKEY in kinds_of(user))


@transaction.atomic
def complete(request: HttpRequest, user: User, kind: str) -> None:
    """Signs in after the second factor `kind`, in a session with a new name."""
    # Of two that begin at once the second waits, so that three stay three.
    User.objects.select_for_update().get(pk=user.pk)
    request.session.flush()
    login(request, user, backend=_BACKEND)
    now = timezone.now().timestamp()
    request.session["signed_in_at"] = now
    request.session["device"] = sessions.device_of(request)
    request.session[FACTOR] = {"kind": kind, "at": now}
    request.session.save()
    ended = sessions.keep_newest(user)
    record_account("staff.signed-in", user, factor=kind)
    if ended:
        record_account("staff.session-ended", user, why="more than three", count=ended)
    if kind == RECOVERY:
        told_of_recovery(request, user)


def told_of_recovery(request: HttpRequest, user: User) -> None:
    record_account("staff.recovery-code-used", user)
    tell(user, "Somebody signed in to your account with one of your recovery codes.")


def confirm(request: HttpRequest, kind: str) -> None:
    """A signed-in person used a second factor again. The session gets a new name."""
    request.session[FACTOR] = {"kind": kind, "at": timezone.now().timestamp()}
    request.session.cycle_key()
    record_account("staff.factor-used", request.user if isinstance(request.user, User) else None, factor=kind)


def is_signed_in(request: HttpRequest) -> bool:
    """With both factors."""
    return isinstance(request.user, User) and FACTOR in request.session


def has_enough(request: HttpRequest) -> bool:
    """False for somebody who was given a role that asks for a passkey, and came in with a code."""
    return isinstance(request.user, User) and is_enough(request.user, request.session[FACTOR]["kind"])


def is_fresh(request: HttpRequest) -> bool:
    used_at = request.session.get(FACTOR, {}).get("at", 0)
    return timezone.now().timestamp() - used_at <= FRESH.total_seconds()
