"""Broken rules that nothing can notice, because they say the same as the whole one, each with the reason."""

from collections.abc import Iterable
from pathlib import Path

from clinic_site.publishing.documents import ContentError, Entry, Problem, parse_source
from screening.safety.killing import Verdict

SHIPPED = Path(__file__).parents[2] / "tests" / "safety" / "equivalent-mutants.yaml"


def read_equivalents(path: Path = SHIPPED) -> dict[str, str]:
    """The reason by "rule: slip". Raises ContentError for an entry that is not complete."""
    entries = parse_source({path.name: path.read_text(encoding="utf-8")})[path.name] or []
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for number, values in enumerate(entries, 1):
        entry = Entry.of(values, file=path.name, name=f"entry {number}", problems=problems)
        rule, reason = entry.string("rule", required=True), entry.string("reason", required=True)
        for slip in entry.strings("slips", required=True):
            found[f"{rule}: {slip}"] = reason
        entry.done()
    if problems:
        raise ContentError(problems)
    return found


def survivors(verdicts: Iterable[Verdict], equivalents: Iterable[str]) -> list[str]:
    """Broken rules that nothing noticed and nobody explained."""
    explained = set(equivalents)
    return [str(v.mutant) for v in verdicts if not v.killed and str(v.mutant) not in explained]


def out_of_date(verdicts: Iterable[Verdict], equivalents: Iterable[str]) -> list[str]:
    """Entries that explain a broken rule which does not exist, or which is noticed after all."""
    unnoticed = {str(verdict.mutant) for verdict in verdicts if not verdict.killed}
    return [name for name in equivalents if name not in unnoticed]
