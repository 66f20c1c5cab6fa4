"""Sealing of what patients and clinicians write: AES-256-GCM under a data key of the record, itself wrapped by the
master key.

A sealed value is `version (1) | data key id (16) | nonce (12) | ciphertext and tag`. The authenticated data name the
clinic, a fixed label of the field and the row, so that a value copied to another row, field or clinic does not open.
Rotation wraps data keys again and never touches a row, because most rows may only be appended.
"""

import base64
import hmac
import json
import os
import unicodedata
import uuid
import zlib
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_VERSION = b"\x01"
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed value was altered, moved to another row, or sealed under another key."""


@lru_cache(maxsize=1)
def master_key() -> bytes:
    """The 32 bytes that wrap every data key.

    Raises ImproperlyConfigured, by the name of the setting, when the file is missing or wrong.
    """
    path = settings.MASTER_KEY_FILE
    if not path:
        raise ImproperlyConfigured("MASTER_KEY_FILE is not set: name the file that holds the base64 master key.")
    try:
        key = base64.b64decode(Path(path).read_bytes().strip(), validate=True)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"MASTER_KEY_FILE can not be read as base64: {type(error).__name__}.") from error
    if len(key) != 32:
        raise ImproperlyConfigured("MASTER_KEY_FILE must hold 32 bytes in base64.")
    return key


def master_key_id() -> str:
    return sha256(b"id:" + master_key()).hexdigest()[:12]


def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose ("password-pepper", "audit-chain", …), the same for as long as the installation lives.

    Rotation does not change it: what was made with it (hashes of passwords, a chain of audit entries) can not be made
    again.
    """
    return hmac.new(master_key(), b"derived|" + purpose.encode(), sha256).digest()


def wrap(data_key: bytes, *, key_id: uuid.UUID, clinic_id: uuid.UUID) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(master_key()).encrypt(nonce, data_key, key_id.bytes + clinic_id.bytes)


@lru_cache(maxsize=512)
def _unwrap(wrapped: bytes, associated: bytes, _master_key_id: str) -> AESGCM:
    try:
        return AESGCM(AESGCM(master_key()).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], associated))
    except InvalidTag as error:
        raise CannotOpen("The data key does not open with this master key.") from error


def seal(
    value: Any, *, wrapped: bytes | memoryview, key_id: uuid.UUID, clinic_id: uuid.UUID, label: str, row_id: uuid.UUID
) -> bytes:
    """`value` (anything JSON holds) as sealed bytes."""
    plain = zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 6)
    nonce = os.urandom(_NONCE_BYTES)
    cipher = _unwrap(bytes(wrapped), key_id.bytes + clinic_id.bytes, master_key_id())
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
    if sealed[:1] != _VERSION or sealed[1:17] != key_id.bytes:
        raise CannotOpen("Sealed under another key or by another version.")
    cipher = _unwrap(bytes(wrapped), key_id.bytes + clinic_id.bytes, master_key_id())
    try:
        plain = cipher.decrypt(sealed[17:29], sealed[29:], _associated(clinic_id, label, row_id))
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
    key = hmac.new(master_key(), b"blind-index|" + purpose.encode(), sha256).digest()
    # As JSON, so that no two lists of parts run together to the same bytes.
    return hmac.new(key, clinic_id.bytes + json.dumps(normalised).encode(), sha256).digest()


def _as_compared(text: str) -> str:
    """A name as it is looked up: without capitals, accents and blanks."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and not letter.isspace())
