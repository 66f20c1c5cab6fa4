import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from screening.benchmark import Bench, Measured, fill_trail, measure_sign_in, measure_trail

_HEAD = f"{'operation':<38}{'median ms':>10}{'CPU ms':>8}{'SQL':>5}{'WAL kB':>8}{'x tuned':>9}{'bar':>6}"


class Command(BaseCommand):
    help = "Times what people wait for, in a database of its own that is dropped again, and prints a table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--cases", type=int, nargs="+", default=[1_000, 100_000], help="Volumes to measure at, rising."
        )
        parser.add_argument("--rounds", type=int, default=25)
        parser.add_argument("--trail", type=int, default=0, metavar="N", help="Also measure on N audit entries.")
        parser.add_argument(
            "--sign-in", type=int, default=0, metavar="N", help="Only compare N pairs of failed sign-ins."
        )

    def handle(self, *, cases: list[int], rounds: int, trail: int, sign_in: int, **options: Any) -> None:
        # Each wrong password would write a line.
        logging.disable(logging.WARNING)
        own_name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            if sign_in:
                self.stdout.write(measure_sign_in(sign_in))
                return
            call_command("publish_content", verbosity=0, stdout=self.stderr)
            bench, tables = Bench(rounds=rounds), []
            for count in sorted(cases):
                bench.grow_to(count)
                tables.append(bench.measure())
                self._print(count, tables)
                self.stdout.write(f"verify_assessments: {bench.verified_a_second():,.0f} a second")
            if trail:
                fill_trail(bench.clinic, bench.user, trail)
                self.stdout.write(f"\n{trail:,} audit entries")
                self.stdout.write("\n".join(measure_trail(bench.member("auditor"))))
        finally:
            connection.creation.destroy_test_db(own_name, verbosity=0)

    def _print(self, count: int, tables: list[list[Measured]]) -> None:
        growth = "  growth" if len(tables) > 1 else ""
        self.stdout.write(f"\n{count:,} cases\n{_HEAD}{growth}")
        for first, row in zip(tables[0], tables[-1], strict=True):
            line = f"{row.name:<38}{row.milliseconds:>10.2f}{row.cpu_milliseconds:>8.2f}"
            line += f"{row.statements:>5}{row.wal_kb:>8.1f}"
            line += f"{row.ratio:>9.2f}{row.bar:>6.1f}" if row.ratio and row.bar else f"{'':>15}"
            # Growth of the ratio where there is one: the speed of the machine drifts within a run.
            now, then = row.ratio or row.cpu_milliseconds, first.ratio or first.cpu_milliseconds
            grown = now / then
            self.stdout.write(line + (f"{grown:>8.2f}" if growth else ""))
