"""A rule's examples as a short table.

Most examples of a rule differ from each other in one or two facts. What most of them share is said once, above the
table, and a row then names only what is different.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from screening.content_book.names import Names
from screening.presentation import TIER_LABELS
from screening.rules import Example, Rule

_OPEN = "open"
_FEWEST_FOR_USUAL = 4
_POLICY_WORDS = {
    "ask": "open: listed, signing goes on",
    "hold": "open: blocks signing",
    "covered": "open, covered by another rule",
    "yields": "hidden behind another rule",
    "clear": "nothing listed",
    "error": "could not be assessed",
    "fired hold": "listed, and blocks signing",
}


@dataclass(frozen=True)
class Said:
    """One fact of an example in words; several values when examples that differ in nothing else share a row."""

    label: str
    values: tuple[str, ...]

    @property
    def says(self) -> str:
        *others, last = self.values
        return f"{', '.join(others)} or {last}" if others else last


@dataclass(frozen=True)
class ExampleRow:
    """`starts`: "usual" when the row differs from what is usual, "open" when every other fact is open."""

    starts: str
    facts: tuple[Said, ...]
    tier: str
    expect: str

    @property
    def tier_label(self) -> str:
        return TIER_LABELS.get(self.tier, "")

    def joined(self, other: "ExampleRow") -> "ExampleRow | None":
        """Both in one row, when they differ in the value of one fact alone."""
        mine, theirs = [fact.label for fact in self.facts], [fact.label for fact in other.facts]
        if (self.starts, self.tier, self.expect, mine) != (other.starts, other.tier, other.expect, theirs):
            return None
        differing = [n for n, (a, b) in enumerate(zip(self.facts, other.facts, strict=True)) if a != b]
        several = [n for n, fact in enumerate(self.facts) if len(fact.values) > 1]
        if len(differing) != 1 or several not in ([], differing):
            return None
        facts = list(self.facts)
        (at,) = differing
        facts[at] = Said(facts[at].label, (*facts[at].values, *other.facts[at].values))
        return replace(self, facts=tuple(facts))


@dataclass(frozen=True)
class ExampleTable:
    """`usual` holds the facts by value, because most of them are often the same."""

    usual: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[ExampleRow, ...]


def usual_facts(examples: tuple[Example, ...]) -> dict[str, Any]:
    """The value most examples give each fact, or nothing when saying it once would not make the table shorter.

    A fact that most examples leave out is not in it: it is open.
    """
    names = list(dict.fromkeys(name for example in examples for name in example.facts))
    usual: dict[str, Any] = {}
    for name in names:
        counts = Counter(repr(example.facts.get(name, _OPEN)) for example in examples)
        commonest = counts.most_common(1)[0][0]
        value = next(e.facts.get(name, _OPEN) for e in examples if repr(e.facts.get(name, _OPEN)) == commonest)
        if value != _OPEN:
            usual[name] = value
    saved = sum(max(len(e.facts) - len(differences(e.facts, usual)), 0) for e in examples)
    worth_it = len(examples) >= _FEWEST_FOR_USUAL and len(usual) > 1 and saved > len(usual) + len(examples)
    return usual if worth_it else {}


def differences(facts: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """What must be said of these facts beside what is usual, in the order of the example; a left-out one is open."""
    changed = {name: value for name, value in facts.items() if name not in usual or usual[name] != value}
    return changed | {name: _OPEN for name in usual if name not in facts}


def example_table(rule: Rule, names: Names) -> ExampleTable:
    usual = usual_facts(rule.examples)
    rows: list[ExampleRow] = []
    for example in rule.examples:
        changed = differences(example.facts, usual)
        shorter = bool(usual) and len(changed) < len(example.facts)
        facts = _said(changed if shorter else example.facts, names)
        _add(rows, ExampleRow("usual" if shorter else "open", facts, *expected(example.expect)))
    by_value: dict[str, list[str]] = {}
    for fact in _said(usual, names):
        by_value.setdefault(fact.says, []).append(fact.label)
    return ExampleTable(tuple((says, tuple(labels)) for says, labels in by_value.items()), tuple(rows))


def _add(rows: list[ExampleRow], row: ExampleRow) -> None:
    for index, earlier in enumerate(rows):
        both = earlier.joined(row)
        if both is not None:
            rows[index] = both
            return
    rows.append(row)


def in_one_line(example: Example, names: Names) -> str:
    """A whole example, for comparing two versions."""
    facts = "; ".join(f"{fact.label}: {fact.says}" for fact in _said(example.facts, names))
    return f"{facts or 'nothing known'} → {' '.join(filter(None, expected(example.expect)))}"


def _said(facts: Mapping[str, Any], names: Names) -> tuple[Said, ...]:
    return tuple(
        Said(names.label(fact), ("open" if value == _OPEN else names.value(fact, value),))
        for fact, value in facts.items()
    )


def expected(expect: str) -> tuple[str, str]:
    """The tier of an `expect` and what else it says: ("emergency", "worst case assumed"), ("", "nothing listed")."""
    if expect in _POLICY_WORDS:
        return "", _POLICY_WORDS[expect]
    if expect.startswith("unresolved "):
        return expect.removeprefix("unresolved "), "open"
    tier, _space, rest = expect.partition(" ")
    return tier, "worst case assumed" if rest else ""
