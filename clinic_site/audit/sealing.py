"""Gives every entry its place in its chain, in batches, seconds after it was committed.

Entries are not sealed in the order of their keys: one that was committed late has an older key than its neighbours. So
whatever has no seal yet is taken, and the chain counts for itself.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from clinic_site.audit.alerts import raise_alert, raise_alerts
from clinic_site.audit.chain import FIRST, FORMS, NEWEST_FORM, chain_of, clinic_of, first_key_of, link, sealing_key
from clinic_site.audit.heads import ForgedHead, Heads, current_heads, heads_file, last_heads, write_heads
from clinic_site.audit.models import AuditEvent, AuditSeal

log = logging.getLogger(__name__)
BATCH = 1000
# No transaction that writes entries lasts as long; what is committed later still is found by the daily look at all.
LATEST_COMMIT = timedelta(hours=1)
_LOOK_AT_ALL = timedelta(days=1)
_WRITE_HEADS = timedelta(minutes=5)
_LOCK = 0x6175646974  # "audit": one worker seals at a time.
_columns = attrgetter(*FORMS[NEWEST_FORM])


@dataclass
class Sealer:
    """Remembers between passes how far it looked, and the heads it saw, which must be there still."""

    known: Heads = field(default_factory=dict)
    complete_since: datetime | None = None
    looked_at_all: datetime | None = None
    heads_written: datetime | None = None

    def __post_init__(self) -> None:
        path = heads_file()
        if path is None:
            return
        try:
            self.known = last_heads(path)
        except (ForgedHead, OSError) as error:
            # Sealing goes on without a memory; verify_audit names the line.
            log.error("The file of heads can not be used: %s", type(error).__name__)
            raise_alert("chain", "file of heads", clinic_id=None)

    def run(self) -> int:
        """Seals one batch and returns how many entries it held.

        The heads go to the file when there are new ones, and every five minutes all the same.
        """
        now = timezone.now()
        look_at_all = self.looked_at_all is None or now - self.looked_at_all > _LOOK_AT_ALL
        since = None if look_at_all or self.complete_since is None else self.complete_since - LATEST_COMMIT
        heads_due = self.heads_written is None or now - self.heads_written >= _WRITE_HEADS
        before = self.known
        sealed = self._seal(since, heads_due=heads_due)
        if sealed < BATCH:
            self.complete_since = now
            self.looked_at_all = now if look_at_all else self.looked_at_all
        if heads_due:
            self._write(self.known)
            self.heads_written = now
        elif sealed:
            self._write({chain: head for chain, head in self.known.items() if before.get(chain) != head})
        return sealed

    @staticmethod
    def _write(heads: Heads) -> None:
        """After the commit: a head in the file that never came to be would look like a cut."""
        path = heads_file()
        if path is None:
            return
        try:
            write_heads(heads, path)
        except OSError as error:
            # Mail must go out all the same; `/readyz` sees that the file grows old.
            log.error("The heads of the audit trail could not be written: %s", type(error).__name__)

    @transaction.atomic
    def _seal(self, since: datetime | None, *, heads_due: bool) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        waiting = AuditEvent.objects.filter(seal=None).order_by("id")
        if since is not None:
            waiting = waiting.filter(id__gte=first_key_of(since))
        events = list(waiting[:BATCH])
        if events or heads_due:
            heads = current_heads()
            self._compare(heads)
            AuditSeal.objects.bulk_create(_seals(events, heads))
            raise_alerts(events)
            self.known = heads
        return len(events)

    def _compare(self, heads: Heads) -> None:
        """What was the head before must be in the chain still, or somebody cut it."""
        for chain, (sequence, digest) in self.known.items():
            there = heads.get(chain)
            if there is not None and there[0] != sequence:
                seal = AuditSeal.objects.filter(chain=chain, sequence=sequence).values_list("hash", flat=True).first()
                there = (sequence, bytes(seal)) if seal is not None else None
            if there != (sequence, digest):
                raise_alert("chain", f"{chain} {sequence}", clinic_id=clinic_of(chain))


def waiting_since() -> datetime | None:
    """When the oldest entry was written that the worker has not sealed; None when none waits. For `/readyz`.

    It looks at the last day, so that it costs the same on a long trail.
    """
    recent = AuditEvent.objects.filter(seal=None, id__gte=first_key_of(timezone.now() - _LOOK_AT_ALL))
    return recent.order_by("id").values_list("recorded_at", flat=True).first()


def _seals(events: Sequence[AuditEvent], heads: Heads) -> list[AuditSeal]:
    """Seals for the entries, which move the heads on."""
    key, now, seals = sealing_key(), timezone.now(), []
    by_chain: dict[uuid.UUID, list[AuditEvent]] = defaultdict(list)
    for event in events:
        by_chain[chain_of(event.clinic_id)].append(event)
    for chain, own in by_chain.items():
        sequence, previous = heads.get(chain, (0, FIRST))
        for event in own:
            sequence += 1
            columns: Sequence[Any] = _columns(event)
            digest = link(key, form=NEWEST_FORM, chain=chain, sequence=sequence, previous=previous, columns=columns)
            seals.append(
                AuditSeal(
                    event_id=event.id,
                    chain=chain,
                    sequence=sequence,
                    form=NEWEST_FORM,
                    previous=previous,
                    hash=digest,
                    sealed_at=now,
                )
            )
            previous = digest
        heads[chain] = (sequence, previous)
    return seals
