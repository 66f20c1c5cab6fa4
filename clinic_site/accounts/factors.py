"""Second factors: codes from an app (TOTP) and recovery codes. Passkeys are in `passkeys.py`.

They are kept in allauth's table. The app's secret is sealed and bound to its owner. Of a recovery code only a keyed
digest is kept. Each code works once, whoever sends it at the same moment: the row is locked, and the number of the
code that was used is kept, because a cache would not be shared by the workers.
"""

import base64
import hmac
import secrets
from hashlib import sha256

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.db import transaction
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.encryption.cipher import CannotOpen, derived_key
from clinic_site.encryption.small_secrets import open_secret, seal_secret

APP, PASSKEY, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES
PERIOD_SECONDS = 30
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
_PURPOSE = "second-factor"


def kinds_of(user: User) -> set[str]:
    """Which factors the person has."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def remove_factors(user: User) -> int:
    """Removes every factor, recovery codes included. Returns how many ways to sign in that were."""
    return Authenticator.objects.filter(user=user).delete()[0]


def has_second_factor(user: User) -> bool:
    return bool(kinds_of(user) & {APP, PASSKEY})


# ── codes from an app ──────────────────────────────────────────────────────────────────────────────────────────────


def new_app_secret() -> str:
    return generate_totp_secret()


def seal_app_secret(user: User, secret: str) -> str:
    return seal_secret(secret, purpose=_PURPOSE, owner=user.pk)


def open_app_secret(user: User, sealed: str) -> str:
    """Raises CannotOpen."""
    return open_secret(sealed, purpose=_PURPOSE, owner=user.pk)


def current_step() -> int:
    return int(timezone.now().timestamp()) // PERIOD_SECONDS


def app_code(secret: str, step: int) -> str:
    """The six digits of one half minute."""
    return format_hotp_value(hotp_value(secret, step))


def step_of(secret: str, code: str) -> int | None:
    """The half minute a code belongs to: this one, the one before or the one after."""
    now = current_step()
    found = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(app_code(secret, step), code)]
    return found[-1] if found else None


def add_app(user: User, secret: str, *, used_step: int = 0) -> Authenticator:
    """Puts the app in place of an earlier one. `used_step` is that of the code that proved it."""
    Authenticator.objects.filter(user=user, type=APP).delete()
    data = {"secret": seal_app_secret(user, secret), "step": used_step}
    return Authenticator.objects.create(user=user, type=APP, data=data)


@transaction.atomic
def use_app_code(user: User, code: str) -> bool:
    """Whether the code is right and newer than the last one that was used."""
    row = Authenticator.objects.select_for_update().filter(user=user, type=APP).first()
    if row is None or not (code.isascii() and code.isdigit()):
        return False
    try:
        step = step_of(open_app_secret(user, row.data["secret"]), code)
    except CannotOpen:
        return False
    if step is None or step <= row.data["step"]:
        return False
    row.data["step"] = step
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True


# ── recovery codes ─────────────────────────────────────────────────────────────────────────────────────────────────


def replace_recovery_codes(user: User) -> list[str]:
    """Ten new codes of 80 bits, shown once. Earlier ones end."""
    codes = [_random_code() for _ in range(RECOVERY_CODES)]
    Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    data = {"digests": [_digest(user, code) for code in codes]}
    Authenticator.objects.create(user=user, type=RECOVERY, data=data)
    return codes


def recovery_codes_left(user: User) -> int:
    row = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    return len(row.data["digests"]) if row else 0


@transaction.atomic
def use_recovery_code(user: User, code: str) -> bool:
    row = Authenticator.objects.select_for_update().filter(user=user, type=RECOVERY).first()
    digest = _digest(user, code)
    if row is None or digest not in row.data["digests"]:
        return False
    row.data["digests"].remove(digest)
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True


def _random_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode("ascii").lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _digest(user: User, code: str) -> str:
    letters = "".join(letter for letter in code.lower() if letter.isalnum())
    return hmac.new(derived_key("recovery-codes"), user.pk.bytes + letters.encode(), sha256).hexdigest()
