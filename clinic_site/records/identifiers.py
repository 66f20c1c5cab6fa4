"""Keys of rows and references for people."""

import secrets
import time
import uuid

# Crockford's alphabet without I, L, O and U: nothing to misread over the telephone.
_REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562).

    48 bits of Unix milliseconds, then random bits, so that keys sort by age without a sequence.
    """
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def public_id() -> str:
    """128 random bits, for a place in a web address that nobody can guess."""
    return secrets.token_urlsafe(16)


def reference() -> str:
    """Eight characters (40 random bits) that a person can read out, such as `7QK2-M9XD`.

    It says nothing about the record.
    """
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
