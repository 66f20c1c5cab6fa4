"""Breaks the engine, the facts, the scores and the branching on purpose (mutmut), and lists every slip that no test notices.

    python -m tests.safety.code_mutants

What is broken, and by which tests it has to be noticed, stands in pyproject.toml. A slip that nothing notices stands in
`unnoticed-code-mutants.yaml` with the reason why it is harmless; any other is a failure.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).parent / "unnoticed-code-mutants.yaml"
# How pytest ends when a test failed, and how mutmut says that a mutant ran out of time.
_NOTICED = {1, 3, 24, 36, 152, 255, -24}
# One slip can take mutmut itself down with it; started again, it goes on where it was.
_ATTEMPTS = 3


def explained() -> dict[str, str]:
    """The reason by "function: what stood there => what stands there now"."""
    entries = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or []
    return {f"{entry['function']}: {slip}": entry["reason"] for entry in entries for slip in entry["slips"]}


def exit_codes(folder: Path) -> dict[str, int | None]:
    """How the tests ended for each mutant that mutmut made in this folder."""
    found: dict[str, int | None] = {}
    for meta in sorted(folder.rglob("*.py.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def slip(diff: str) -> str:
    """The lines that differ, as one line."""
    lines = [line for line in diff.splitlines() if line[:1] in "-+" and line[:3] not in ("---", "+++")]
    old, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return f"{old} => {new}"


def function_of(name: str) -> str:
    """`screening.facts._ResponseReader.again` of mutmut's `screening.facts.xǁ_ResponseReaderǁagain__mutmut_3`."""
    module, _dot, function = name.partition("__mutmut_")[0].rpartition(".")
    return f"{module}.{function[2:] if function.startswith('x_') else '.'.join(function.split('ǁ')[1:])}"


def survivors(codes: Mapping[str, int | None]) -> list[str]:
    """Every mutant that no test noticed, by function and slip."""
    # Here, because mutmut reads its settings from the current folder as soon as it is imported.
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    unnoticed = [name for name, code in codes.items() if code not in _NOTICED]
    return [f"{function_of(name)}: {slip(get_diff_for_mutant(name))}" for name in unnoticed]


def main() -> int:
    folder = PROJECT / "mutants"
    # What mutmut keeps from an earlier run was noticed by the tests of then.
    shutil.rmtree(folder, ignore_errors=True)
    codes: dict[str, int | None] = {}
    for _attempt in range(_ATTEMPTS):
        ran = subprocess.run(
            [sys.executable, "-m", "mutmut", "run"], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        codes = exit_codes(folder)
        if codes and None not in codes.values():
            break
    else:
        say(f"mutmut did not finish (exit code {ran.returncode}):\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
        return 1
    left = survivors(codes)
    reasons = explained()
    unknown = [name for name in left if name not in reasons]
    noticed_after_all = [name for name in reasons if name not in left]
    for words, names in (("not noticed", unknown), ("explained, but noticed", noticed_after_all)):
        for name in names:
            say(f"{words}: {name}")
    say(f"{len(codes)} slips in the program: {len(codes) - len(left)} noticed, {len(left) - len(unknown)} harmless")
    return 1 if unknown or noticed_after_all else 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
