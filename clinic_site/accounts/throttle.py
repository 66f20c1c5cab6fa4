"""How often a password or a code may be tried, counted for all workers together.

Whether an account exists makes no difference: what is counted is the address that was typed. Nobody can keep a
colleague out by guessing: a passkey is not counted, and a mailed link for a new password ends the wait.
"""

import unicodedata
from datetime import timedelta

from clinic_site.limits.addresses import network_of
from clinic_site.limits.services import count_use, forget, is_within

FREE_TRIES = 5
TRIES_AN_HOUR = 10
# Guessed slowly over weeks, an account would still see more tries than it should.
TRIES_IN_A_ROW = 90
NETWORK_FAILURES = 30
CODES = 5
CODES_A_DAY = 40
_HOUR, _QUARTER, _MONTH = timedelta(hours=1), timedelta(minutes=15), timedelta(days=30)
_MOMENT = timedelta(seconds=1)


def may_try_password(email: str) -> bool:
    """Counts a try and says whether the password may be looked at.

    After five tries each waits twice as long as the one before; after ten in an hour none is looked at.
    """
    subject = _as_counted(email)
    if count_use("sign-in.pause", subject, uses=0, window=_MOMENT):
        return False
    tried = count_use("sign-in.hour", subject, window=_HOUR)
    if tried > TRIES_AN_HOUR or count_use("sign-in.row", subject, window=_MONTH) > TRIES_IN_A_ROW:
        return False
    if tried >= FREE_TRIES:
        # Forgotten first, because looking began a window of its own.
        forget("sign-in.pause", subject)
        count_use("sign-in.pause", subject, window=timedelta(seconds=5 * 2 ** (tried - FREE_TRIES)))
    return True


def has_just_locked(email: str) -> bool:
    """Whether the try that was refused is the first one beyond the limit, so that it is told once."""
    return count_use("sign-in.hour", _as_counted(email), uses=0, window=_HOUR) == TRIES_AN_HOUR + 1


def forget_password_tries(email: str) -> None:
    """After the right password, a passkey or a new password."""
    for what in ("sign-in.pause", "sign-in.hour", "sign-in.row"):
        forget(what, _as_counted(email))


def network_is_blocked(address: str | None) -> bool:
    return count_use("sign-in.network", network_of(address), uses=0, window=_QUARTER) >= NETWORK_FAILURES


def count_network_failure(address: str | None) -> None:
    count_use("sign-in.network", network_of(address), window=_QUARTER)


def may_try_code(user_id: object) -> bool:
    """One-time and recovery codes: five in five minutes, forty in a day without a right one."""
    often = is_within("second-factor.code", str(user_id), limit=CODES, window=timedelta(minutes=5))
    return often and is_within("second-factor.day", str(user_id), limit=CODES_A_DAY, window=timedelta(days=1))


def forget_code_tries(user_id: object) -> None:
    forget("second-factor.code", str(user_id))
    forget("second-factor.day", str(user_id))


def _as_counted(email: str) -> str:
    return unicodedata.normalize("NFKC", email).casefold().strip()[:254]
