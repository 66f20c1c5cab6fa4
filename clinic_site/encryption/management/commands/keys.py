import time
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import master_key_id
from clinic_site.encryption.keyring import fingerprint, new_ring, ring, write_ring
from clinic_site.encryption.rotation import (
    StillNeeded,
    misfits,
    remember_keys,
    retire_older,
    rows_by_master_key,
    wrap_all_anew,
)

_EVERY_SECONDS = 2.0


class Command(BaseCommand):
    """Prints fingerprints and counts, never a key."""

    help = "Makes, checks and changes the keys that the records are sealed with."
    # `create` runs before anything else is there to check.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="write a new key file; refuses where one lies already")
        create.add_argument("file", nargs="?", default=settings.MASTER_KEY_FILE)
        verbs.add_parser("check", help="do the keys fit the database? exit 1 if not")
        verbs.add_parser("status", help="how many records each master key holds")
        verbs.add_parser("rotate", help="a new master key, and every record under it; run again to go on")
        verbs.add_parser("retire", help="take older master keys out of the file; refuses while a record needs one")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except (ImproperlyConfigured, StillNeeded) as error:
            raise CommandError(str(error)) from error

    def _create(self, *, file: str, **_: Any) -> None:
        if not file:
            raise CommandError("Name a file, or set MASTER_KEY_FILE.")
        try:
            write_ring(Path(file), new_ring(), new=True)
        except FileExistsError as error:
            raise CommandError(
                f"{file} is there already. A key that is overwritten takes its records along."
            ) from error
        except OSError as error:
            raise CommandError(f"{file} can not be written: {error.strerror}.") from error
        self.stdout.write(f"Wrote {file}. Keep a copy apart from the backups of the database.")

    def _check(self, **_: Any) -> None:
        if problems := misfits():
            raise CommandError("\n".join(problems))
        remember_keys()
        self.stdout.write(f"The keys fit. Current master key: {master_key_id()}.")

    def _status(self, **_: Any) -> None:
        keys, rows = ring(), rows_by_master_key()
        names = [fingerprint(key) for key in keys.masters]
        for name in names:
            what = "current" if name == names[0] else "older, opens only"
            self.stdout.write(f"{name}  {rows.get(name, 0):>12,} records  {what}")
        for name in rows.keys() - set(names):
            self.stdout.write(f"{name}  {rows[name]:>12,} records  MISSING from the file: these can not be opened")
        self.stdout.write(f"{fingerprint(keys.derivation)}  {'':>12}          derivation key, does not rotate")

    def _rotate(self, **_: Any) -> None:
        if problems := misfits():
            raise CommandError("\n".join(problems))
        current = master_key_id()
        begun = any(name != current and rows for name, rows in rows_by_master_key().items())
        if not begun:
            if settings.MASTER_KEY:
                raise CommandError(
                    "MASTER_KEY is a variable, which this can not change: put a new `master …` in front of it, start "
                    "the servers again, and run this again."
                )
            write_ring(Path(settings.MASTER_KEY_FILE), ring().with_new_master())
        remember_keys()
        self._wrap(master_key_id())

    def _wrap(self, current: str) -> None:
        begun = told = time.monotonic()
        wrapped = 0
        unopened: list[uuid.UUID] = []
        for batch in wrap_all_anew():
            wrapped += batch.wrapped
            unopened += batch.unopened
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                self.stderr.write(f"{wrapped:,} records are under {current} now")
        record([audit_event("keys.rotated", clinic_id=None, master_key=current, wrapped=wrapped, left=len(unopened))])
        rate = wrapped / max(time.monotonic() - begun, 0.001)
        self.stdout.write(f"{wrapped:,} records are under {current} now ({rate:,.0f} a second).")
        if unopened:
            named = ", ".join(str(key) for key in unopened[:20])
            raise CommandError(f"{len(unopened):,} data keys could not be opened and stay as they are: {named}")

    def _retire(self, **_: Any) -> None:
        if settings.MASTER_KEY:
            raise CommandError(
                "MASTER_KEY is a variable: when `keys status` shows no record, take the key out by hand."
            )
        older = [fingerprint(key) for key in ring().masters[1:]]
        if older:
            write_ring(Path(settings.MASTER_KEY_FILE), retire_older())
            record([audit_event("keys.retired", clinic_id=None, master_keys=older)])
        self.stdout.write(f"Took {len(older)} older keys out of the file. Backups of before need the file of before.")
