"""The figures of the safety proof, as tables: on a terminal and on the page in docs alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from intake.questionnaires import Questionnaire
from screening.rules import RuleSet
from screening.safety.coverage import Goal, goals, reached
from screening.safety.equivalents import out_of_date, survivors
from screening.safety.killing import Verdict, unnoticed_thresholds, verdicts
from screening.safety.mutants import KINDS
from screening.safety.vignettes import Ran, read_vignettes, run_vignette

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"
_BEGINS, _ENDS = "<!-- written by manage.py safety_report --page -->\n", "<!-- end of what is written -->\n"


@dataclass(frozen=True)
class SafetyReport:
    questionnaire: Questionnaire
    rule_set: RuleSet
    ran: Sequence[Ran]
    equivalents: Iterable[str]

    @classmethod
    def of(
        cls, questionnaire: Questionnaire, rule_set: RuleSet, folder: Path, equivalents: Iterable[str]
    ) -> "SafetyReport":
        ran = [run_vignette(v, questionnaire, rule_set) for v in read_vignettes(questionnaire, rule_set, folder)]
        return cls(questionnaire, rule_set, ran, list(equivalents))

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return verdicts(self.questionnaire, self.rule_set, self.ran)

    def text(self) -> str:
        thresholds = 2 * len(self.rule_set.constants)
        noticed = thresholds - len(self.unnoticed_thresholds)
        moved = f"A threshold moved by one step, up or down, fails a vignette: {noticed} of {thresholds}."
        return "\n\n".join([self.people(), "Rules broken on purpose:", self._by_kind(), moved]) + "\n"

    def people(self) -> str:
        about = f"{len(self.ran)} made-up people, rule set {self.rule_set.id} {self.rule_set.version}."
        return f"{about}\n\n{self._by_category()}"

    def summary(self) -> str:
        """One line of it."""
        expected, missed = (
            sum(map(len, lists)) for lists in ((r.vignette.must for r in self.ran), (r.missed for r in self.ran))
        )
        false = sum(len(ran.false_flags) for ran in self.ran)
        *_counts, score = self._kind("all", KINDS)
        found = (
            f"{expected - missed} of {expected} flags found ({_percent(expected - missed, expected)}), {false} false"
        )
        return f"{len(self.ran)} people, {found}; {len(self.verdicts)} broken rules, {score} noticed"

    @cached_property
    def unnoticed_thresholds(self) -> list[str]:
        return unnoticed_thresholds(self.rule_set, self.ran)

    def problems(self) -> list[str]:
        """Everything that keeps the proof from standing, a line each."""
        covered = reached(self.rule_set, self.ran)
        return [
            *self.wrong_people(),
            *(f"not expected of anybody: {g.rule}: {g.words}" for g in goals(self.rule_set) if g not in covered),
            *(f"not noticed: {name}" for name in survivors(self.verdicts, self.equivalents)),
            *(f"no survivor: {name}" for name in out_of_date(self.verdicts, self.equivalents)),
            *(f"no vignette notices {name}" for name in self.unnoticed_thresholds),
        ]

    def wrong_people(self) -> list[str]:
        """Every flag that is missed or false, a line each."""
        return [f"{ran.vignette.id}: {line}" for ran in self.ran for line in ran.report().splitlines()]

    def _by_category(self) -> str:
        every, covered = goals(self.rule_set), reached(self.rule_set, self.ran)
        categories = list(dict.fromkeys(rule.category for rule in self.rule_set.rules))
        rows = [self._row(category, {category}, every, covered) for category in sorted(categories)]
        head = [
            "category",
            "rules",
            "bands",
            "open questions",
            "must be flagged",
            "found",
            "sensitivity",
            "false flags",
        ]
        return table([head, *rows, self._row("all", set(categories), every, covered)])

    def _row(self, name: str, categories: set[str], every: Iterable[Goal], covered: set[Goal]) -> list[str]:
        ids = {rule.id for rule in self.rule_set.rules if rule.category in categories}
        own = [goal for goal in every if goal.rule in ids]
        expected = sum(rule in ids for ran in self.ran for rule in ran.vignette.must)
        missed = sum(rule in ids for ran in self.ran for rule in ran.missed)
        false = sum(rule in ids for ran in self.ran for rule in ran.false_flags)
        return [
            name,
            _share({goal.rule for goal in covered} & ids, ids),
            *(
                _share(
                    [goal for goal in own if goal.kind == kind and goal in covered], [g for g in own if g.kind == kind]
                )
                for kind in ("band", "policy")
            ),
            str(expected),
            str(expected - missed),
            _percent(expected - missed, expected),
            str(false),
        ]

    def _by_kind(self) -> str:
        head = [
            "slip",
            "broken rules",
            "seen by examples",
            "seen by vignettes",
            "seen by either",
            "equivalent",
            "score",
        ]
        return table([head, *(self._kind(kind, [kind]) for kind in KINDS), self._kind("all", KINDS)])

    def _kind(self, name: str, kinds: Sequence[str]) -> list[str]:
        own = [verdict for verdict in self.verdicts if verdict.mutant.kind in kinds]
        equivalent = len({str(v.mutant) for v in own if not v.killed} & set(self.equivalents))
        seen: list[Callable[[Verdict], bool]] = [lambda v: v.by_example, lambda v: v.by_vignette, lambda v: v.killed]
        counts = [sum(map(by, own)) for by in seen]
        return [name, str(len(own)), *map(str, counts), str(equivalent), _percent(counts[-1], len(own) - equivalent)]


def _share(part: Iterable[object], whole: Iterable[object]) -> str:
    return f"{len(list(part))} of {len(list(whole))}"


def _percent(part: int, whole: int) -> str:
    """Rounded down, so that 100 means all of them."""
    return f"{int(1000 * part / whole) / 10:g} %" if whole else "–"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns that are a Markdown table as well; all but the first to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in rows]
    rule = "| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def on_page(page: str) -> str:
    """What the page in docs holds between its markers. Raises ValueError when it has none."""
    return _parts(page)[1].strip("\n") + "\n"


def put_on_page(page: str, text: str) -> str:
    before, _written, after = _parts(page)
    return f"{before}{_BEGINS}\n{text}\n{_ENDS}{after}"


def _parts(page: str) -> tuple[str, str, str]:
    before, begins, rest = page.partition(_BEGINS)
    written, ends, after = rest.partition(_ENDS)
    if not begins or not ends:
        raise ValueError("the page has no place for the figures")
    return before, written, after
