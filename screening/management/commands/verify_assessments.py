import time
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from screening.verification import verified

_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    """Reads in batches, in the order of the ids, so that it can stop anywhere and go on from there."""

    help = "Runs every stored assessment again with its stored versions and compares; exit 1 names what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=500, metavar="N")
        parser.add_argument("--resume", type=Path, metavar="FILE", help="keeps the place in FILE, and goes on from it")

    def handle(self, *, batch: int, resume: Path | None, **options: Any) -> None:
        after = _place(resume)
        started = told = time.monotonic()
        checked = differ = 0
        for one in verified(after=after, batch=batch):
            checked += 1
            if one.problem:
                differ += 1
                self.stdout.write(f"{one.reference} {one.assessment_id}: {one.problem}")
            if resume and (checked % batch == 0 or one.problem):
                resume.write_text(str(one.assessment_id), encoding="utf-8")
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                self.stderr.write(f"{checked:,} checked, {checked / (told - started):,.0f} a second")
        rate = checked / max(time.monotonic() - started, 0.001)
        if resume:
            resume.unlink(missing_ok=True)
        if differ:
            raise CommandError(f"{differ:,} of {checked:,} assessments differ.", returncode=1)
        self.stdout.write(f"{checked:,} assessments are what their inputs give ({rate:,.0f} a second).")


def _place(resume: Path | None) -> uuid.UUID | None:
    if resume is None or not resume.exists():
        return None
    try:
        return uuid.UUID(resume.read_text(encoding="utf-8").strip())
    except ValueError as error:
        raise CommandError(f"{resume} does not hold a place to go on from: delete it to begin anew.") from error
