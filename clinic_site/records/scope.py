"""Which rows the database shows to the code that runs now.

A request begins with nothing. The staff's middleware opens the clinics of the person who asks; a patient's page opens
the one response of its address, and then that response's clinic. Commands, the worker and the tests work for no one
clinic and say so once, for their whole process. `clinic_site/database/base.py` tells PostgreSQL with every transaction.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True)
class Scope:
    """`response` is a public id: it opens that one response and its data key before anybody knows their clinic."""

    clinics: frozenset[uuid.UUID] = frozenset()
    response: str = ""
    everything: bool = False

    @property
    def clinics_setting(self) -> str:
        """As the policies read it: empty for none."""
        return "everything" if self.everything else ",".join(sorted(str(clinic) for clinic in self.clinics))


NOTHING = Scope()
EVERYTHING = Scope(everything=True)
_current: ContextVar[Scope | None] = ContextVar("scope", default=None)
_of_this_process = NOTHING


def current() -> Scope:
    return _current.get() or _of_this_process


def work_for_every_clinic() -> None:
    """For a process that is no web server; threads it starts see everything too."""
    global _of_this_process
    _of_this_process = EVERYTHING


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """`scope` inside the block, and what was before it afterwards, whatever the block itself opens or closes."""
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)


def of_clinics(*clinic_ids: uuid.UUID) -> Scope:
    return Scope(clinics=frozenset(clinic_ids))


def of_response(public_id: str) -> Scope:
    """Nothing, where this can not be a public id at all."""
    return Scope(response=public_id) if _PUBLIC_ID.fullmatch(public_id) else NOTHING


def go_on_within(scope: Scope) -> None:
    """For the rest of the request; its middleware ends it."""
    _current.set(scope)
