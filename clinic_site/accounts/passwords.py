"""How passwords are kept, and which are too easy."""

import hmac
import os
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
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
