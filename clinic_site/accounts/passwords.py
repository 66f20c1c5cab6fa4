"""How passwords are kept, and which are too easy."""

import gzip
import hmac
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import roles
from clinic_site.clinics.models import Clinic
from clinic_site.encryption.cipher import derived_key


class PepperedArgon2(Argon2PasswordHasher):
    """argon2id over an HMAC of the password, whose key is not in the database.

    A stolen table of hashes can not be guessed at without it. The HMAC also makes every length equal, so that nothing
    is cut off. 32 MiB, three passes, one lane: above the floor of 19 MiB and two.
    """

    algorithm = "argon2-peppered"
    time_cost = 3
    memory_cost = 32 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return super().encode(_peppered(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        return super().verify(_peppered(password), encoded)


def _peppered(password: str) -> str:
    return hmac.new(derived_key("password-pepper"), password.encode(), sha256).hexdigest()


@cache
def nobodys_hash() -> str:
    """A hash of the strength of all others, to which no password is known: of a salt and a digest that nobody made."""
    hasher = PepperedArgon2()
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"{hasher.algorithm}$argon2id$v=19${cost}${salt}${digest}"


# Its origin is told in the file of the same name that ends in .md.
_KNOWN = Path(__file__).with_name("known_passwords.txt.gz")
_LONGEST_KNOWN = 30


@cache
def known_passwords() -> bytes:
    """A hundred thousand passwords that became known elsewhere, one a line, a line break before and after each.

    Read when the first password is set. As one text they take a tenth of the room of a set, and are searched in a
    millisecond.
    """
    return gzip.decompress(_KNOWN.read_bytes())


class NotKnownElsewhere:
    """Refuses a password that is known from break-ins, also one repeated or with digits and marks put around it.

    With 15 characters at least, few known ones are long enough; making one longer like that is what people do.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        whole = password.casefold()
        for text in (whole, _letters_inside(whole)):
            if any(f"\n{unit}\n".encode() in known_passwords() for unit in _units(text)):
                raise ValidationError(
                    "This is too common: it is known from break-ins elsewhere, or repeats such a password, or adds"
                    " numbers to one. Use three or four words that have nothing to do with each other.",
                    code="password_known",
                )

    def get_help_text(self) -> str:
        return "A common password stays one when it is repeated or gets numbers at its end."


def _letters_inside(text: str) -> str:
    """The text from its first letter to its last."""
    return text.strip("".join({sign for sign in text if not sign.isalpha()}))


def _units(text: str) -> Iterator[str]:
    """The text, and every beginning of it that it does nothing but repeat; each also without the marks at its ends."""
    for length in range(1, min(len(text), _LONGEST_KNOWN) + 1):
        unit = text[:length]
        if (unit * (len(text) // length + 1)).startswith(text):
            yield unit
            yield _letters_inside(unit)


# What everybody would try first at a clinic like this.
_ALWAYS = {
    *("ketamine", "spravato", "esketamine", "clinic", "hospital", "health", "medical", "intake", "review", "patient"),
    *("doctor", "nurse", "staff", "therapy", "treatment", "password", "passphrase", "secret", "admin", "login", "sign"),
    *("welcome", "letmein", "qwerty"),
}
_LETTERS_LEFT = 8


class MoreThanWordsOfThePlace:
    """Refuses a password that is little more than words of the clinic, the person, the work and the roles.

    Those words, numbers and marks are struck out; what remains must still have eight letters.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.casefold()
        for word in sorted(self._words(user), key=len, reverse=True):
            rest = rest.replace(word, " ")
        if len(re.findall(r"[^\W\d_]", rest)) < _LETTERS_LEFT:
            raise ValidationError(
                "This is too easy to guess: it is mostly words of the clinic, your work or your name. "
                "Use three or four words that have nothing to do with it.",
                code="password_of_the_place",
            )

    def get_help_text(self) -> str:
        return "Use several words that have nothing to do with the clinic, your work or your name."

    def _words(self, user: Any) -> set[str]:
        places = Clinic.objects.values_list("name", "slug")
        texts = [text for pair in places for text in pair]
        texts += [text for role in roles().values() for text in (role.code, role.label)]
        texts += [getattr(user, "name", ""), getattr(user, "email", "")]
        found = {word for text in texts for word in re.findall(r"[^\W\d_]{3,}", text.casefold())}
        return found | _ALWAYS
