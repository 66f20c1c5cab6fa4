import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic_site.audit.alerts import raise_alert
from clinic_site.audit.chain import clinic_of
from clinic_site.audit.heads import ForgedHead, heads_file
from clinic_site.audit.verification import Place, Problem, Verification, heads_by_chain

_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Checks that no audit entry was altered, deleted, put in or moved; exit 1 names the first bad one of a chain."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--heads", type=Path, metavar="FILE", help="the file of heads; else AUDIT_HEADS_FILE")
        parser.add_argument("--resume", type=Path, metavar="FILE", help="keeps the place in FILE, and goes on from it")

    def handle(self, *, heads: Path | None, resume: Path | None, **options: Any) -> None:
        known = self._heads(heads)
        run, problems = Verification(place=_place(resume)), list[Problem]()
        started = told = time.monotonic()
        for found in run.batches(known):
            problems += found
            if resume:
                resume.write_text(json.dumps(run.place), encoding="utf-8")
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                self.stderr.write(f"{run.checked:,} checked, {run.checked / (told - started):,.0f} a second")
        if resume:
            resume.unlink(missing_ok=True)
        for problem in problems:
            self.stdout.write(str(problem))
            raise_alert("chain", f"{problem.chain} {problem.sequence}", clinic_id=clinic_of(problem.chain))
        if problems:
            raise CommandError(f"The audit trail does not hold in {len(problems)} places.", returncode=1)
        rate = run.checked / max(time.monotonic() - started, 0.001)
        witness = (
            f" and fit {sum(map(len, known.values())):,} written heads" if known else "; no file of heads was read"
        )
        self.stdout.write(f"{run.checked:,} entries are as they were sealed{witness} ({rate:,.0f} a second).")

    def _heads(self, named: Path | None) -> Any:
        path = named or heads_file()
        if path is None or (named is None and not path.exists()):
            return {}
        try:
            with path.open(encoding="utf-8") as file:
                return heads_by_chain(file)
        except OSError as error:
            raise CommandError(f"{path} can not be read: {error.strerror}.") from error
        except ForgedHead as error:
            raise_alert("chain", f"heads {error}", clinic_id=None)
            raise CommandError(f"{path} is not what the worker wrote: {error}.", returncode=1) from error


def _place(resume: Path | None) -> Place:
    if resume is None or not resume.exists():
        return {}
    try:
        return {
            chain: (int(sequence), str(digest)) for chain, (sequence, digest) in json.loads(resume.read_text()).items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise CommandError(f"{resume} does not hold a place to go on from: delete it to begin anew.") from error
