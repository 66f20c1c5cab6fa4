"""Sealing of what patients and clinicians write: AES-256-GCM under a data key of the record, itself wrapped by the
master key.

A sealed value is `version (1) | data key id (16) | nonce (12) | ciphertext and tag`. The authenticated data are the
version, the data key's id, the clinic, a fixed label of the field and the row, so that a value copied to another row,
field or clinic does not open, nor one whose first bytes were altered. Values of version 1, which left the first two
out, stand in rows that may only be appended, and open as they were sealed.

A wrapped data key is `version (1) | nonce (12) | ciphertext and tag (48)`, with the version, the master key's
fingerprint, the data key's id and the clinic authenticated. Version 1 had no first byte and only the last two; its
length tells it apart.

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

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinic_site.encryption.keyring import Ring, fingerprint, ring

_VERSION = b"\x02"
_FIRST_VERSION = b"\x01"
_HEADER_BYTES = 17
_NONCE_BYTES = 12
_FIRST_WRAPPED_BYTES = 60


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
    nonce, master = os.urandom(_NONCE_BYTES), ring().current
    associated = _wrap_associated(master, key_id.bytes + clinic_id.bytes)
    return _VERSION + nonce + AESGCM(master).encrypt(nonce, data_key, associated)


def _wrap_associated(master: bytes, owner: bytes) -> bytes:
    return _VERSION + fingerprint(master).encode() + owner


def wrap_anew(wrapped: bytes | memoryview, *, key_id: uuid.UUID, clinic_id: uuid.UUID) -> bytes:
    """The same data key under the current master key. Raises CannotOpen."""
    return wrap(_opened(bytes(wrapped), key_id.bytes + clinic_id.bytes, ring()), key_id=key_id, clinic_id=clinic_id)


def _opened(wrapped: bytes, owner: bytes, keys: Ring) -> bytes:
    first = len(wrapped) == _FIRST_WRAPPED_BYTES
    version, raw = (b"", wrapped) if first else (wrapped[:1], wrapped[1:])
    # A new wrap that lost its first byte, or an old one that got one, fails like any altered one.
    if first or version == _VERSION:
        for master in keys.masters:
            with suppress(InvalidTag, ValueError):
                associated = owner if first else _wrap_associated(master, owner)
                return AESGCM(master).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], associated)
    raise CannotOpen("The data key does not open with this master key.")


@lru_cache(maxsize=512)
def _unwrap(wrapped: bytes, owner: bytes, keys: Ring) -> AESGCM:
    return AESGCM(_opened(wrapped, owner, keys))


def seal(
    value: Any,
    *,
    wrapped: bytes | memoryview,
    key_id: uuid.UUID,
    clinic_id: uuid.UUID,
    label: str,
    row_id: uuid.UUID,
    like: bytes = b"",
) -> bytes:
    """`value` (anything JSON holds) as sealed bytes; shorter with a text `like` it, which opening it needs again."""
    compressor = zlib.compressobj(6, zdict=like) if like else zlib.compressobj(6)
    plain = compressor.compress(orjson.dumps(value)) + compressor.flush()
    header, nonce = _VERSION + key_id.bytes, os.urandom(_NONCE_BYTES)
    cipher = _unwrap(bytes(wrapped), key_id.bytes + clinic_id.bytes, ring())
    return header + nonce + cipher.encrypt(nonce, plain, header + _associated(clinic_id, label, row_id))


def unseal(
    sealed: bytes | memoryview,
    *,
    wrapped: bytes | memoryview,
    key_id: uuid.UUID,
    clinic_id: uuid.UUID,
    label: str,
    row_id: uuid.UUID,
    like: bytes = b"",
) -> Any:
    """The value that was sealed. Raises CannotOpen; an empty value stands for nothing written yet and gives None."""
    text = unseal_text(
        sealed, wrapped=wrapped, key_id=key_id, clinic_id=clinic_id, label=label, row_id=row_id, like=like
    )
    return orjson.loads(text) if text else None


def unseal_text(
    sealed: bytes | memoryview,
    *,
    wrapped: bytes | memoryview,
    key_id: uuid.UUID,
    clinic_id: uuid.UUID,
    label: str,
    row_id: uuid.UUID,
    like: bytes = b"",
) -> bytes:
    """The JSON text of what was sealed, empty for an empty value. Raises CannotOpen."""
    sealed = bytes(sealed)
    if not sealed:
        return b""
    try:
        return _opened_value(sealed, bytes(wrapped), key_id, _associated(clinic_id, label, row_id), clinic_id, like)
    except CannotOpen as error:
        error.place = Place(clinic_id, label, row_id)
        raise


def _opened_value(
    sealed: bytes, wrapped: bytes, key_id: uuid.UUID, associated: bytes, clinic_id: uuid.UUID, like: bytes
) -> bytes:
    header, raw = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    if header not in (_VERSION + key_id.bytes, _FIRST_VERSION + key_id.bytes):
        raise CannotOpen("Sealed under another key or by another version.")
    if header.startswith(_VERSION):
        associated = header + associated
    cipher = _unwrap(wrapped, key_id.bytes + clinic_id.bytes, ring())
    try:
        plain = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        # ValueError: too short to hold a nonce.
        raise CannotOpen("The value was altered or belongs to another row.") from error
    try:
        return zlib.decompressobj(zdict=like).decompress(plain) if like else zlib.decompress(plain)
    except zlib.error as error:
        raise CannotOpen("The value was sealed beside another text.") from error


def _associated(clinic_id: uuid.UUID, label: str, row_id: uuid.UUID) -> bytes:
    return b"|".join([clinic_id.bytes, label.encode(), row_id.bytes])


def blind_index(purpose: str, clinic_id: uuid.UUID, *parts: str) -> bytes:
    """32 bytes that are equal for equal (normalised) parts within one clinic and purpose, and say nothing without the
    key.
    """
    normalised = [as_compared(part) for part in parts]
    key = hmac.new(ring().derivation, b"blind-index|" + purpose.encode(), sha256).digest()
    # As JSON, so that no two lists of parts run together to the same bytes.
    return hmac.new(key, clinic_id.bytes + json.dumps(normalised).encode(), sha256).digest()


def as_compared(text: str) -> str:
    """A name as it is looked up: without capitals, accents and blanks."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and not letter.isspace())
