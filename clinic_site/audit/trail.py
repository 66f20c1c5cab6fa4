"""Which request an audit entry belongs to, so that no caller has to pass it along."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from clinic_site.records.identifiers import uuid7


@dataclass
class Trail:
    """`route` is the name of the page (`screening:case`), known once the address is resolved."""

    request_id: uuid.UUID
    address: str | None = None
    route: str = ""


_current: ContextVar[Trail | None] = ContextVar("audit.trail", default=None)


def current_trail() -> Trail | None:
    """None outside of a request, as in a command or the worker."""
    return _current.get()


@contextmanager
def following(*, address: str | None) -> Iterator[Trail]:
    """Everything audited inside is of this request."""
    trail = Trail(uuid7(), address)
    token = _current.set(trail)
    try:
        yield trail
    finally:
        _current.reset(token)
