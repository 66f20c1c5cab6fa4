"""Sealing of what patients and clinicians write: AES-256-GCM under a data key of the record, itself wrapped by the
master key.

A sealed value is `version (1) | data key id (16) | nonce (12) | ciphertext and tag`. The authenticated data name the
clinic, a fixed label of the field and the row, so that a value copied to another row, field or clinic does not open.
Rotation wraps data keys again and never touches a row, because most rows may only be appended. Keys: `keyring.py`.
"""

import hmac
import json
import os
import unicodedata
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinic_site.encryption.keyring import Ring, fingerprint, ring

_VERSION = b"\x01"
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Place:
    """Where a sealed value stands."""

    clinic_id: uuid.UUID
    label: str
    row_id: uuid.UUID


class CannotOpen(Exception):
    """A sealed value was altered, moved to another row, or sealed under another key. `place` says which value."""

    place: Place | None = None


def master_key_id() -> str:
    return fingerprint(ring().current)


def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose ("password-pepper", "audit-chain", …), the same for as long as the installation lives.

    Rotation does not change it: what was made with it (hashes of passwords, a chain of audit entries) can not be made
    again.
    """
    return hmac.new(ring().derivation, b"derived|" + purpose.encode(), sha256).digest()


def wrap(data_key: bytes, *, key_id: uuid.UUID, clinic_id: uuid.UUID) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(ring().current).encrypt(nonce, data_key, key_id.bytes + clinic_id.bytes)


def wrap_anew(wrapped: bytes | memoryview, *, key_id: uuid.UUID, clinic_id: uuid.UUID) -> bytes:
    """The same data key under the current master key. Raises CannotOpen."""
    return wrap(_opened(bytes(wrapped), key_id.bytes + clinic_id.bytes, ring()), key_id=key_id, clinic_id=clinic_id)


def _opened(wrapped: bytes, associated: bytes, keys: Ring) -> bytes:
    for master in keys.masters:
        with suppress(InvalidTag, ValueError):
            return AESGCM(master).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], associated)
    raise CannotOpen("The data key does not open with this master key.")


@lru_cache(maxsize=512)
def _unwrap(wrapped: bytes, associated: bytes, keys: Ring) -> AESGCM:
    return AESGCM(_opened(wrapped, associated, keys))


def seal(
    value: Any, *, wrapped: bytes | memoryview, key_id: uuid.UUID, clinic_id: uuid.UUID, label: str, row_id: uuid.UUID
) -> bytes:
    """`value` (anything JSON holds) as sealed bytes."""
    plain = zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 6)
    nonce = os.urandom(_NONCE_BYTES)
    cipher = _unwrap(bytes(wrapped), key_id.bytes + clinic_id.bytes, ring())
    return _VERSION + key_id.bytes + nonce + cipher.encrypt(nonce, plain, _associated(clinic_id, label, row_id))


def unseal(
    sealed: bytes | memoryview,
    *,
    wrapped: bytes | memoryview,
    key_id: uuid.UUID,
    clinic_id: uuid.UUID,
    label: str,
    row_id: uuid.UUID,
) -> Any:
    """The value that was sealed. Raises CannotOpen; an empty value stands for nothing written yet and gives None."""
    sealed = bytes(sealed)
    if not sealed:
        return None
    try:
        return _opened_value(sealed, bytes(wrapped), key_id, _associated(clinic_id, label, row_id), clinic_id)
    except CannotOpen as error:
        error.place = Place(clinic_id, label, row_id)
        raise


def _opened_value(sealed: bytes, wrapped: bytes, key_id: uuid.UUID, associated: bytes, clinic_id: uuid.UUID) -> Any:
    if sealed[:1] != _VERSION or sealed[1:17] != key_id.bytes:
        raise CannotOpen("Sealed under another key or by another version.")
    cipher = _unwrap(wrapped, key_id.bytes + clinic_id.bytes, ring())
    try:
        plain = cipher.decrypt(sealed[17:29], sealed[29:], associated)
    except (InvalidTag, ValueError) as error:
        # ValueError: too short to hold a nonce.
        raise CannotOpen("The value was altered or belongs to another row.") from error
    return json.loads(zlib.decompress(plain))


def _associated(clinic_id: uuid.UUID, label: str, row_id: uuid.UUID) -> bytes:
    return b"|".join([clinic_id.bytes, label.encode(), row_id.bytes])


def blind_index(purpose: str, clinic_id: uuid.UUID, *parts: str) -> bytes:
    """32 bytes that are equal for equal (normalised) parts within one clinic and purpose, and say nothing without the
    key.
    """
    normalised = [_as_compared(part) for part in parts]
    key = hmac.new(ring().derivation, b"blind-index|" + purpose.encode(), sha256).digest()
    # As JSON, so that no two lists of parts run together to the same bytes.
    return hmac.new(key, clinic_id.bytes + json.dumps(normalised).encode(), sha256).digest()


def _as_compared(text: str) -> str:
    """A name as it is looked up: without capitals, accents and blanks."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and not letter.isspace())
