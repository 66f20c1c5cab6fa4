"""Reads every chain from its first entry on and says where it first does not hold."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TextIO

from django.utils import timezone

from clinic_site.audit.chain import FIRST, FORMS, INSTALLATION, chain_of, link, sealing_key
from clinic_site.audit.heads import Head, read_heads
from clinic_site.audit.models import AuditEvent, AuditSeal
from clinic_site.audit.sealing import LATEST_COMMIT

BATCH = 2000
SEALED_WITHIN = timedelta(minutes=10)
Place = dict[str, tuple[int, str]]
_columns = {form: attrgetter(*names) for form, names in FORMS.items()}


@dataclass(frozen=True)
class Problem:
    """The first entry of one chain that does not hold. `event` is its key, where there is one."""

    chain: uuid.UUID
    sequence: int
    event: uuid.UUID | None
    what: str

    def __str__(self) -> str:
        chain = "installation" if self.chain == INSTALLATION else f"clinic {self.chain}"
        event = f", entry {self.event}" if self.event else ""
        return f"{chain}, number {self.sequence}{event}: {self.what}"


@dataclass
class Verification:
    """One run. `place` says how far each chain was read, so that a run that was stopped goes on from there."""

    place: Place = field(default_factory=dict)
    checked: int = 0

    def batches(self, heads: Mapping[uuid.UUID, Mapping[int, Head]] | None = None) -> Iterator[list[Problem]]:
        """Reads on, batch by batch; each gives the problems it found. A chain ends at its first problem."""
        chains = AuditSeal.objects.order_by().values_list("chain", flat=True).distinct()
        for chain in sorted({*chains, *(heads or {})}):
            yield from self._chain(chain, (heads or {}).get(chain, {}))
        yield list(unsealed())

    def _chain(self, chain: uuid.UUID, heads: Mapping[int, Head]) -> Iterator[list[Problem]]:
        sequence, digest = self.place.get(str(chain), (0, FIRST.hex()))
        walk = _Walk(chain, sealing_key(), heads, sequence, bytes.fromhex(digest))
        while seals := list(
            AuditSeal.objects.filter(chain=chain, sequence__gt=walk.sequence).order_by("sequence")[:BATCH]
        ):
            events = AuditEvent.objects.in_bulk([seal.event_id for seal in seals])
            for seal in seals:
                problem = walk.step(seal, events.get(seal.event_id))
                if problem is not None:
                    yield [problem]
                    return
            self.checked += len(seals)
            self.place[str(chain)] = (walk.sequence, walk.digest.hex())
            yield []
        beyond = min((number for number in heads if number > walk.sequence), default=None)
        if beyond is not None:
            told = f"the file of heads knows entries up to {max(heads)}, and the newest here is {walk.sequence}"
            yield [Problem(chain, walk.sequence + 1, None, f"cut off: {told}")]


class _Walk:
    """Where one chain stands, and what the next seal must be."""

    def __init__(self, chain: uuid.UUID, key: bytes, heads: Mapping[int, Head], sequence: int, digest: bytes) -> None:
        self.chain, self.key, self.heads, self.sequence, self.digest = chain, key, heads, sequence, digest
        self.newest: datetime | None = None

    def step(self, seal: AuditSeal, event: AuditEvent | None) -> Problem | None:
        what = self._problem(seal, event)
        if what:
            number = self.sequence + 1 if seal.sequence != self.sequence + 1 else seal.sequence
            return Problem(self.chain, number, seal.event_id, what)
        self.sequence, self.digest = seal.sequence, bytes(seal.hash)
        return None

    def _problem(self, seal: AuditSeal, event: AuditEvent | None) -> str:
        if seal.sequence != self.sequence + 1:
            return f"its seal is gone; the next one there is number {seal.sequence}"
        if event is None:
            return "the entry was deleted"
        if chain_of(event.clinic_id) != self.chain:
            return "the entry was moved to another clinic"
        if bytes(seal.previous) != self.digest:
            return "its seal does not follow the one before: put in, exchanged or written anew"
        if seal.form not in _columns:
            return f"its seal is of an unknown form {seal.form}"
        columns = _columns[seal.form](event)
        fits = link(
            self.key, form=seal.form, chain=self.chain, sequence=seal.sequence, previous=self.digest, columns=columns
        )
        if fits != bytes(seal.hash):
            return "the entry or its seal was altered, or sealed with another key"
        head = self.heads.get(seal.sequence)
        if head is not None and head.hash != fits:
            return f"written anew: the file of heads has another hash since {head.at:%Y-%m-%d %H:%M}"
        if self.newest is not None and event.recorded_at < self.newest - LATEST_COMMIT:
            return (
                f"put in later: it says {event.recorded_at:%Y-%m-%d %H:%M}, after one of {self.newest:%Y-%m-%d %H:%M}"
            )
        self.newest = max(self.newest or event.recorded_at, event.recorded_at)
        return ""


def unsealed() -> Iterator[Problem]:
    """The oldest entry without a seal that should have one by now."""
    oldest = AuditEvent.objects.filter(seal=None, recorded_at__lt=timezone.now() - SEALED_WITHIN).order_by("id").first()
    if oldest is not None:
        minutes = int(SEALED_WITHIN.total_seconds() // 60)
        what = f"without a seal for more than {minutes} minutes: its seal was removed, or the worker stands still"
        yield Problem(chain_of(oldest.clinic_id), 0, oldest.id, what)


def heads_by_chain(file: TextIO) -> dict[uuid.UUID, dict[int, Head]]:
    """The file of heads. Raises ForgedHead."""
    found: dict[uuid.UUID, dict[int, Head]] = {}
    for head in read_heads(file):
        found.setdefault(head.chain, {}).setdefault(head.sequence, head)
    return found
