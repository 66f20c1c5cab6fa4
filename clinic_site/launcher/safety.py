"""`./run safety`: the whole proof that nobody is cleared wrongly, the generated runs in full, and one table of it."""

import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from clinic_site.launcher.check import for_pytest, module, require_postgresql
from clinic_site.launcher.database import running_database
from clinic_site.launcher.environment import PROJECT, data_directory, django_environment
from clinic_site.launcher.processes import start_in_own_group, stop_group

_TESTS = "tests/safety"
_HEAD = ("what was run", "figures", "seconds", "result")


@dataclass(frozen=True)
class Row:
    what: str
    figures: str
    seconds: float
    passed: bool

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.what, self.figures, f"{self.seconds:.0f}", "passed" if self.passed else "FAILED"


def run(arguments: Sequence[str]) -> int:
    """0 when all of it passed. With arguments, which go to pytest, the tests alone."""
    require_postgresql()
    rows: list[Row] = []
    manage = [sys.executable, str(PROJECT / "manage.py")]
    with running_database() as url:
        environment = django_environment(url)
        if not arguments:
            rows.append(_command("people and broken rules", [*manage, "safety_report"], environment))
            rows.append(_command("broken program", module("tests.safety.code_mutants"), environment))
        rows += _tests(arguments, for_pytest(environment) | {"SAFETY_BUDGET": "full"})
    print(f"\n{_table(rows)}")
    return 0 if all(row.passed for row in rows) else 1


def _command(what: str, command: Sequence[str], environment: Mapping[str, str]) -> Row:
    """Runs a command as its output comes; its last line holds its figures."""
    print(f"\n== {what}", flush=True)
    began, last = time.monotonic(), ""
    child = start_in_own_group(command, environment, quiet=True)
    try:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            last = line.strip(" =\n") or last
        code = child.wait()
    finally:
        stop_group(child)
    return Row(what, last, time.monotonic() - began, code == 0)


def _tests(arguments: Sequence[str], environment: Mapping[str, str]) -> list[Row]:
    """A row for each module of tests, from the report that pytest writes; one row when it wrote none."""
    written = data_directory() / "safety-tests.xml"
    written.unlink(missing_ok=True)
    options = ["-n", "2", "--dist", "loadscope", f"--junit-xml={written}"]
    whole = _command("tests", [*module("pytest"), *options, *(arguments or [_TESTS])], environment)
    rows = []
    with suppress(OSError, ElementTree.ParseError):
        rows = _rows(written)
    if not rows or not whole.passed and all(row.passed for row in rows):
        rows.append(whole)
    return rows


def _rows(written: Path) -> list[Row]:
    cases = defaultdict(list)
    for case in ElementTree.parse(written).getroot().iter("testcase"):  # noqa: S314 - pytest has just written it
        # A class of tests stands behind its module: tests.safety.test_two_engines.TestNumbers.
        name = next((part for part in case.get("classname", "").split(".") if part.startswith("test_")), "tests")
        cases[name.removeprefix("test_").replace("_", " ")].append(case)
    return [
        Row(
            name,
            f"{len(own)} tests",
            sum(float(case.get("time", 0)) for case in own),
            not any(case.find(bad) is not None for case in own for bad in ("failure", "error")),
        )
        for name, own in cases.items()
    ]


def _table(rows: Sequence[Row]) -> str:
    cells = [_HEAD, *(row.cells for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
