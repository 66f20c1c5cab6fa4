"""What the keys in the file are to the database: do they fit, how far is a rotation, and the next step of it.

A rotation puts a new master key in front of the file, which every process follows at once, wraps each data key anew
in batches, and takes the older key out of the file when no row names it. It can be killed anywhere and run again.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count
from django.utils import timezone

from clinic_site.encryption import cipher
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.keyring import Ring, fingerprint, ring
from clinic_site.encryption.models import DataKey, InstallationKey, KeyUse

_BATCH = 500
_BEFORE_ALL = uuid.UUID(int=0)


class StillNeeded(Exception):
    """A key can not be retired: rows name it."""


@dataclass(frozen=True)
class Batch:
    """What one transaction of a rotation did. `unopened` keys were altered, or belong to a key that is not here."""

    wrapped: int
    unopened: tuple[uuid.UUID, ...]


def misfits(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Why this database must not be served with the keys that are in the file now; empty when they fit."""
    keys = ring()
    known = list(InstallationKey.objects.using(using).filter(retired_at__isnull=True))
    masters = {fingerprint(key) for key in keys.masters}
    missing = sorted(row.fingerprint for row in known if row.use == KeyUse.MASTER and row.fingerprint not in masters)
    problems = [
        f"The master key {name} is missing: records of this database are sealed with it. Put it back into the file."
        for name in missing
    ]
    if any(row.use == KeyUse.DERIVATION and row.fingerprint != fingerprint(keys.derivation) for row in known):
        problems.append(
            "The derivation key is not the one of this database: nobody would be found, and nobody could sign in."
        )
    # A database of before these notes. Where they are, one altered row must not keep the clinic shut.
    newest = DataKey.objects.using(using).order_by("-id").first() if not known else None
    if newest is not None:
        try:
            cipher.wrap_anew(newest.wrapped, key_id=newest.id, clinic_id=newest.clinic_id)
        except CannotOpen:
            problems.append(f"The newest record's key was wrapped by {newest.master_key_id}, which opens it no more.")
    return problems


def remember_keys(using: str = DEFAULT_DB_ALIAS) -> None:
    """Notes the fingerprints of the keys in the file. Only for keys that fit."""
    keys = ring()
    used = [(KeyUse.MASTER, key) for key in keys.masters] + [(KeyUse.DERIVATION, keys.derivation)]
    InstallationKey.objects.using(using).bulk_create(
        [InstallationKey(use=use, fingerprint=fingerprint(key)) for use, key in used], ignore_conflicts=True
    )


def remember_when_migrated(using: str, **_: Any) -> None:
    """From its first migration on, a database knows which keys it belongs to."""
    if InstallationKey._meta.db_table not in connections[using].introspection.table_names():
        return
    try:
        if not misfits(using):
            remember_keys(using)
    except ImproperlyConfigured:
        # Without a key nothing is served either: the start-up check says which setting is missing.
        return


def rows_by_master_key() -> dict[str, int]:
    """How many data keys each master key wraps, by its fingerprint."""
    counted = DataKey.objects.values("master_key_id").annotate(rows=Count("id")).order_by("master_key_id")
    return {row["master_key_id"]: row["rows"] for row in counted}


def wrap_all_anew() -> Iterator[Batch]:
    """Wraps every data key that names an older master key under the current one, a batch in each transaction."""
    last = _BEFORE_ALL
    while True:
        with transaction.atomic():
            current = cipher.master_key_id()
            older = DataKey.objects.exclude(master_key_id=current).filter(id__gt=last).order_by("id")
            # Without the rows' keys, so that a patient's new row that points at one need not wait.
            rows = list(older.select_for_update(no_key=True)[:_BATCH])
            if not rows:
                return
            last = rows[-1].id
            wrapped, unopened = [], []
            for row in rows:
                try:
                    anew = cipher.wrap_anew(row.wrapped, key_id=row.id, clinic_id=row.clinic_id)
                except CannotOpen:
                    unopened.append(row.id)
                else:
                    wrapped.append((anew, current, row.id))
            _update(wrapped)
        yield Batch(len(wrapped), tuple(unopened))


def _update(wrapped: list[tuple[bytes, str, uuid.UUID]]) -> None:
    """As one pipeline of statements: Django's bulk update of two columns costs ten times as much."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.executemany("UPDATE encryption_datakey SET wrapped = %s, master_key_id = %s WHERE id = %s", wrapped)


def retire_older() -> Ring:
    """The ring without its older master keys, once no row names one.

    Raises StillNeeded. The database forgets the keys first: a kill before the file is written leaves a key too many.
    """
    keys = ring()
    older = [fingerprint(key) for key in keys.masters[1:]]
    with transaction.atomic():
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            # Waits for rows on their way that still name an older key, and lets none in meanwhile.
            cursor.execute("LOCK TABLE encryption_datakey IN SHARE MODE")
        counts = {name: rows for name, rows in rows_by_master_key().items() if name in older}
        if counts:
            named = ", ".join(f"{name} ({rows:,} rows)" for name, rows in counts.items())
            raise StillNeeded(f"Still in use: {named}. Run `manage.py keys rotate` to its end first.")
        InstallationKey.objects.filter(use=KeyUse.MASTER, fingerprint__in=older).update(retired_at=timezone.now())
    return keys.without_older()
