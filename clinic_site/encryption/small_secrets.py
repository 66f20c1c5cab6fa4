"""A short secret of one member of staff or one message, sealed under a key of its purpose and bound to its owner.

It names no key: each purpose has its own, derived from the one key that never turns.
"""

import base64
import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinic_site.encryption.cipher import CannotOpen, derived_key

_NONCE_BYTES = 12


def seal_secret(text: str, *, purpose: str, owner: uuid.UUID) -> str:
    """`text` as base64 that opens for this purpose and this owner only."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(derived_key(purpose)).encrypt(nonce, text.encode(), owner.bytes)
    return base64.b64encode(nonce + sealed).decode("ascii")


def open_secret(sealed: str, *, purpose: str, owner: uuid.UUID) -> str:
    """The text that was sealed. Raises CannotOpen."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(derived_key(purpose)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.bytes).decode()
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("The secret was altered, belongs to somebody else, or has another key.") from error
