"""What is hashed of an entry, and how its hash hangs on the one before.

hash = HMAC(key, form | chain | sequence | previous hash | the entry's columns as canonical JSON). The key is derived
from the master key, which is not in the database: whoever may rewrite every row still can not make a hash that fits.
"""

import hmac
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from clinic_site.encryption.cipher import derived_key

INSTALLATION = uuid.UUID(int=0)
FIRST = bytes(32)
# Columns by form. A new column makes a new form: what was sealed in an old one is still checked in it.
FORMS: dict[int, tuple[str, ...]] = {
    1: (
        "id", "clinic_id", "recorded_at", "actor", "user_id", "role", "action", "data", "entity_type", "entity_id",
        "reference", "listed", "why", "detail", "address", "route", "request_id",
    ),
}  # fmt: skip
NEWEST_FORM = max(FORMS)


def chain_of(clinic_id: uuid.UUID | None) -> uuid.UUID:
    return clinic_id or INSTALLATION


def clinic_of(chain: uuid.UUID) -> uuid.UUID | None:
    return None if chain == INSTALLATION else chain


def sealing_key() -> bytes:
    return derived_key("audit-chain")


def link(key: bytes, *, form: int, chain: uuid.UUID, sequence: int, previous: bytes, columns: Sequence[Any]) -> bytes:
    """The hash of one entry in its place. `columns` as `FORMS[form]` names them."""
    place = b"|".join([str(form).encode(), chain.bytes, str(sequence).encode(), previous])
    return hmac.digest(key, place + _canonical(columns), "sha256")


def signature(text: str) -> str:
    """Of a line of the file of heads."""
    return hmac.new(derived_key("audit-heads"), text.encode(), sha256).hexdigest()


def _canonical(columns: Sequence[Any]) -> bytes:
    return json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"No canonical form of {type(value).__name__}.")


def first_key_of(moment: datetime) -> uuid.UUID:
    """The smallest key (UUIDv7) that can have been made at that moment."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
