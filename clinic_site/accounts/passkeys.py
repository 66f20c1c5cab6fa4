"""Passkeys: the ceremony is allauth's and fido2's; what they leave open is closed here.

User verification (a finger, a face, a PIN) is asked for always, so that a passkey alone is two factors. A challenge is
32 random bytes, lives five minutes in the session, and is taken once. A counter that does not grow means a copied key.
"""

import json
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from clinic_site.accounts.factors import PASSKEY
from clinic_site.accounts.models import User
from clinic_site.limits.services import is_within

_BEGUN_AT = "passkey_begun_at"
_LIVES = timedelta(minutes=5)
# What allauth and fido2 raise for what they can not read; the sender chooses it freely.
_UNREADABLE = (ValidationError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


class PasskeyRefused(Exception):
    """The passkey, or what was sent in its name, is not taken."""


class CopiedPasskey(PasskeyRefused):
    """Its counter did not grow: there may be a second one like it."""

    def __init__(self, user: User) -> None:
        super().__init__("The passkey's counter did not grow.")
        self.user = user


def registration_options(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the browser needs to make a passkey. Remembers the challenge in the session."""
    request.session[_BEGUN_AT] = timezone.now().timestamp()
    return auth.begin_registration(user, passwordless=True)


def sign_in_options(request: HttpRequest) -> dict[str, Any]:
    """What the browser needs to use any passkey of this site. Says nothing about accounts."""
    request.session[_BEGUN_AT] = timezone.now().timestamp()
    return auth.begin_authentication()


def add_passkey(request: HttpRequest, user: User, *, name: str, credential: str) -> Authenticator:
    """Raises PasskeyRefused."""
    _take_challenge(request)
    try:
        sent = _read(credential)
        _check_origin(request, auth.parse_registration_response(sent).response.client_data.origin)
        made = auth.complete_registration(sent)
    except _UNREADABLE as error:
        raise PasskeyRefused("The new passkey was not accepted.") from error
    finally:
        auth.clear_state()
    if not made.is_user_verified():
        raise PasskeyRefused("The new passkey did not check who holds it.")
    row = auth.WebAuthn.add(user, name, sent).instance
    row.data["counter"] = made.counter
    row.save(update_fields=["data"])
    return row


def use_passkey(request: HttpRequest, credential: str) -> tuple[User, Authenticator]:
    """Whose passkey was used. Raises PasskeyRefused."""
    _take_challenge(request)
    try:
        sent = _read(credential)
        answer = auth.parse_authentication_response(sent)
        _check_origin(request, answer.response.client_data.origin)
        user = auth.extract_user_from_response(sent)
        row = auth.complete_authentication(user, sent)
    except _UNREADABLE as error:
        raise PasskeyRefused("The passkey was not accepted.") from error
    finally:
        auth.clear_state()
    if not user.is_active:
        raise PasskeyRefused("The account is closed.")
    _check_counter(user, row, answer.response.authenticator_data.counter)
    return user, row


def _check_counter(user: User, row: Authenticator, counter: int) -> None:
    """A key without a counter sends 0 always."""
    with transaction.atomic():
        kept = Authenticator.objects.select_for_update().get(pk=row.pk, type=PASSKEY)
        before = kept.data.get("counter", 0)
        if (counter or before) and counter <= before:
            raise CopiedPasskey(user)
        kept.data["counter"] = counter
        kept.last_used_at = timezone.now()
        kept.save(update_fields=["data", "last_used_at"])


def _take_challenge(request: HttpRequest) -> None:
    """A challenge serves once, for all workers, also when two send it in the same moment."""
    state, begun_at = auth.get_state(), request.session.pop(_BEGUN_AT, 0)
    too_old = timezone.now().timestamp() - begun_at > _LIVES.total_seconds()
    if not state or too_old or not is_within("passkey.challenge", state["challenge"], limit=1, window=2 * _LIVES):
        auth.clear_state()
        raise PasskeyRefused("There is no challenge to answer.")


def _check_origin(request: HttpRequest, origin: str) -> None:
    """fido2 takes every sub-domain too, and one of those may be somebody else's."""
    host = request.get_host()
    if origin != f"https://{host}" and not (settings.PLAIN_HTTP and origin == f"http://{host}"):
        raise ValueError("The answer was made for another address.")


def _read(credential: str) -> dict[str, Any]:
    sent = json.loads(credential)
    if not isinstance(sent, dict):
        raise ValueError("A passkey's answer is an object.")
    return sent
