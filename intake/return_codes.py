"""The secrets with which a person comes back: how they are made, read and compared."""

import secrets
import uuid
from hashlib import sha256

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic_site.encryption.cipher import blind_index

# Crockford's alphabet: 32 letters, nothing to misread.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011", " -\t\r\n")
_PAPER_LETTERS, _PAPER_CHECKS, _LINK_LETTERS = 14, 2, 8
# The largest prime below 32 * 32: one wrong letter, or two that changed places, always give another check.
_CHECK = 1021
LEAST_PASSPHRASE = 8


def new_link_token() -> str:
    """256 bits for the address of a mailed link."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def new_link_code() -> str:
    """40 bits for whoever types instead of opening the link; it lives ten minutes."""
    return _random(_LINK_LETTERS)


def link_code_digest(clinic_id: uuid.UUID, code: str) -> bytes:
    return blind_index("return.link-code", clinic_id, tidy(code))


def new_paper_code() -> str:
    """70 bits and two check letters, such as `7QK2-M9XD-04HT-ZP3C`, for 30 days on paper."""
    letters = _random(_PAPER_LETTERS)
    return letters + _checks(letters)


def has_slip(paper_code: str) -> bool:
    """Whether the code was copied wrongly, as its check letters show. Nothing is looked up."""
    letters = tidy(paper_code)
    if len(letters) != _PAPER_LETTERS + _PAPER_CHECKS or not set(letters) <= set(_LETTERS):
        return True
    return _checks(letters[:_PAPER_LETTERS]) != letters[_PAPER_LETTERS:]


def paper_code_digest(clinic_id: uuid.UUID, code: str) -> bytes:
    return blind_index("return.paper-code", clinic_id, tidy(code))


def address_index(clinic_id: uuid.UUID, address: str) -> bytes:
    return blind_index("return.address", clinic_id, address)


def grouped(code: str) -> str:
    """In fours, as a person reads it."""
    return "-".join(code[n : n + 4] for n in range(0, len(code), 4))


def tidy(code: str) -> str:
    """What was meant: without blanks and hyphens, in capitals, O as zero, I and L as one."""
    return code.upper().translate(_LOOKALIKES)


def check_second_thing(text: str, *, known: list[str]) -> None:
    """Raises ValidationError for what is guessed first. `known` are digits that others know, such as a birthday.

    Six digits are enough against five tries a link; a passphrase only needs to be longer than a code.
    """
    if len(text) == 6 and text.isascii() and text.isdigit():
        steps = {int(after) - int(before) for before, after in zip(text, text[1:], strict=False)}
        halves = text[:3] == text[3:] or text[:2] * 3 == text
        if len(steps) == 1 or halves or text in known:
            raise ValidationError(_("This code is easy to guess. Choose six digits that are not a date or a pattern."))
        return
    if len(text) < LEAST_PASSPHRASE:
        raise ValidationError(
            _("Choose six digits, or a passphrase of %(least)s letters or more.") % {"least": LEAST_PASSPHRASE}
        )
    if text.isascii() and text.isdigit() and (text in known or len(set(text)) < 3):
        raise ValidationError(_("This code is easy to guess. Choose digits that are not a date or a pattern."))
    try:
        CommonPasswordValidator().validate(text)
    except ValidationError as error:
        raise ValidationError(_("Many people use this one, so it is easy to guess. Choose another.")) from error


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _letter in range(length))


def _checks(letters: str) -> str:
    number = 0
    for letter in letters:
        number = number * 32 + _LETTERS.index(letter)
    return "".join(_LETTERS[part] for part in divmod(number % _CHECK, 32))
