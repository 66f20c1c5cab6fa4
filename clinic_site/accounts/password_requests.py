"""A mailed link for a new password.

The page only writes down that somebody asked; the worker finds out for whom. So the page answers the same, in the same
time, whether there is such an account. The code in the link is an HMAC over the account's present password and last
sign-in, so either of them ends it; it is stored nowhere but sealed in the waiting mail. It stands behind the `#` of the
address, which no server logs.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from clinic_site.accounts import throttle
from clinic_site.accounts.backends import StaffBackend
from clinic_site.accounts.models import PasswordRequest, User
from clinic_site.accounts.notices import record_account, tell
from clinic_site.accounts.sessions import end_sessions
from clinic_site.accounts.staff_mail import password_link_mail

_GIVE_UP = timedelta(minutes=30)
_BATCH = 20


def ask_for_link(email: str, site: str) -> None:
    """`site` is the address that the person sees, such as https://clinic.example."""
    PasswordRequest.objects.create(email=email, site=site)


def send_links() -> int:
    """Writes the mails for what was asked. Returns how many requests it dealt with."""
    with transaction.atomic():
        waiting = PasswordRequest.objects.order_by("created_at").select_for_update(skip_locked=True)
        batch = list(waiting[:_BATCH])
        for request in batch:
            _deal_with(request)
        PasswordRequest.objects.filter(pk__in=[request.pk for request in batch]).delete()
    return len(batch)


def _deal_with(request: PasswordRequest) -> None:
    user = User.objects.filter(email=request.email, is_active=True).first()
    # Without a password there is nothing to forget: such a person has an invitation, agreed to by two administrators.
    forgot = user is not None and user.has_usable_password() and bool(user.granted())
    if user is None or not forgot or timezone.now() - request.created_at > _GIVE_UP:
        return
    clinic_id, _role = user.granted()[0]
    password_link_mail(
        user, clinic_id=clinic_id, address=f"{request.site}{reverse('password-new')}", code=link_code(user)
    )
    record_account("staff.password-link-sent", user)


def link_code(user: User) -> str:
    return f"{user.pk.hex}.{default_token_generator.make_token(user)}"


def owner_of(code: str) -> User | None:
    """Whose link it is, or None when it is unknown, too old or was used."""
    key, _dot, token = code.strip().partition(".")
    if len(key) != 32 or not key.isalnum() or not key.isascii():
        return None
    try:
        user = StaffBackend().get_user(uuid.UUID(key))
    except ValueError:
        return None
    return user if user is not None and default_token_generator.check_token(user, token) else None


@transaction.atomic
def redeem(request: HttpRequest, code: str, password: str) -> bool:
    """Sets the password and ends every session. Factors stay as they are, and nobody is signed in by it."""
    found = owner_of(code)
    if found is None:
        return False
    User.objects.select_for_update().get(pk=found.pk)
    # Asked again under the lock: of two that redeem at once, one wins.
    user = owner_of(code)
    if user is None:
        return False
    user.set_password(password)
    user.save(update_fields=["password"])
    ended = end_sessions(user)
    throttle.forget_password_tries(user.email)
    record_account("staff.password-reset", user, sessions_ended=ended)
    tell(user, "Your password was changed with a link that was mailed to you. All your sessions have ended.")
    return True


def site_of(request: HttpRequest) -> str:
    return f"{'http' if settings.PLAIN_HTTP else 'https'}://{request.get_host()}"
