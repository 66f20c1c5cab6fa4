"""Labelled made-up people: what each answered and every flag that must come of it, written by hand from the evidence.

A vignette runs through the whole path without a database: forms, answers, branching, facts, rules. The day is always
the same Monday, at noon in New York, and the clinic is licensed in New York.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clinic_site.publishing.documents import ContentError, Entry, Problem, parse_source, read_source
from intake.answers import AnswerDocument, State
from intake.questionnaires import Questionnaire
from screening.content_checks import described
from screening.demo.answers import AnswersRefused, complete_answers
from screening.demo.filling import answered
from screening.engine import assess
from screening.facts import Facts, Measurement, facts_from_response
from screening.rules import TIERS, RuleSet
from screening.vocabulary import MEASURES, RECORDED, Vocabulary, vocabulary

SHIPPED = Path(__file__).parents[2] / "tests" / "safety" / "vignettes"
NOW = datetime.datetime(2026, 11, 23, 17, 0, tzinfo=datetime.UTC)
TODAY = NOW.date()
LICENSED_STATES = ("ny",)
# Nobody's identity is checked before staff have seen them, so this flag stands with everybody and is not written out.
ALWAYS_ALLOWED = {"identity.unverified": "hold"}
_FIRED = (*TIERS, "fired hold")
EXPECTED_WORDS = (
    *_FIRED,
    *(f"{words} (worst case)" for words in _FIRED),
    "hold",
    "ask",
    *(f"unresolved {tier}" for tier in TIERS),
)
_RECORDED_BY_STAFF = frozenset({"identity_verified", *MEASURES, *RECORDED.values()})


@dataclass(frozen=True)
class Vignette:
    """One made-up person. `must`: every flag to be listed, rule and words; `may`: flags that the evidence leaves open.

    `then` is what they went back and changed; `theme` the file in which they stand.
    """

    id: str
    theme: str
    who: str
    answers: Mapping[str, Any]
    then: Mapping[str, Any]
    staff: Mapping[str, Any]
    staff_on: datetime.date
    must: Mapping[str, str]
    may: tuple[str, ...]
    must_not: tuple[str, ...]

    def judges(self, rule: str, words: str) -> bool:
        """Whether `words` ("" when not listed) is what this vignette lets a rule say."""
        if rule in self.must:
            return words == self.must[rule]
        return not words or rule in self.may or words == ALWAYS_ALLOWED.get(rule)


@dataclass(frozen=True)
class Ran:
    """What came of a vignette: the facts, and every listed flag in the words of an example's `expect`."""

    vignette: Vignette
    facts: Facts
    listed: Mapping[str, str]

    @property
    def missed(self) -> dict[str, str]:
        """Expected flags that are not listed in just these words, with what is listed instead ("" for nothing)."""
        must = self.vignette.must
        return {rule: self.listed.get(rule, "") for rule in must if self.listed.get(rule) != must[rule]}

    @property
    def false_flags(self) -> dict[str, str]:
        """Listed flags that the vignette neither expects nor leaves open."""
        vignette = self.vignette
        return {
            rule: words
            for rule, words in self.listed.items()
            if rule not in vignette.must and not vignette.judges(rule, words)
        }

    def report(self) -> str:
        """What is wrong, a line each; empty when nothing is."""
        must = self.vignette.must
        lines = [
            f"missed: {rule} must be '{must[rule]}', is '{got or 'not listed'}'" for rule, got in self.missed.items()
        ]
        return "\n".join([*lines, *(f"false flag: {rule}: {words}" for rule, words in self.false_flags.items())])


def read_vignettes(questionnaire: Questionnaire, rule_set: RuleSet, folder: Path = SHIPPED) -> tuple[Vignette, ...]:
    """Every vignette of a folder. Raises ContentError with each name or word that does not exist."""
    tree = parse_source(read_source(folder))
    problems: list[Problem] = []
    reader = _Reader(questionnaire, rule_set, vocabulary(questionnaire, rule_set.lexicon), problems)
    vignettes = [vignette for name in sorted(tree) for vignette in reader.file(name, tree[name])]
    seen: dict[str, str] = {}
    for vignette in vignettes:
        if vignette.id in seen:
            problems.append(
                Problem(f"{vignette.theme}.yaml", vignette.id, f"this id stands in {seen[vignette.id]} too")
            )
        seen[vignette.id] = f"{vignette.theme}.yaml"
    if problems:
        raise ContentError(problems)
    return tuple(vignettes)


@dataclass
class _Reader:
    questionnaire: Questionnaire
    rule_set: RuleSet
    known: Vocabulary
    problems: list[Problem] = field(default_factory=list)

    def file(self, name: str, entries: Any) -> Iterator[Vignette]:
        if not isinstance(entries, list):
            self.problems.append(Problem(name, "", "must be a list of vignettes"))
            return
        for number, values in enumerate(entries, 1):
            own = str(values.get("id", f"vignette {number}")) if isinstance(values, dict) else f"vignette {number}"
            yield self.vignette(Entry.of(values, file=name, name=own, problems=self.problems))

    def vignette(self, entry: Entry) -> Vignette:
        vignette = Vignette(
            id=entry.string("id", required=True),
            theme=entry.file.removesuffix(".yaml"),
            who=entry.string("who", required=True),
            answers=self.answers(entry, "answers"),
            then=self.answers(entry, "then"),
            staff=self.staff(entry),
            staff_on=self.day(entry),
            must=self.must(entry),
            may=entry.strings("may"),
            must_not=entry.strings("must_not"),
        )
        for rule in (*vignette.must, *vignette.may, *vignette.must_not):
            if rule not in self.rule_set.by_id:
                entry.problem(f"names the rule '{rule}', which does not exist")
        for rule in {*vignette.must, *vignette.may} & set(vignette.must_not):
            entry.problem(f"'{rule}' stands under 'must_not' and under 'must' or 'may'")
        entry.done()
        return vignette

    def answers(self, entry: Entry, key: str) -> dict[str, Any]:
        answers = entry.mapping(key)
        for link_id in answers:
            if link_id not in self.questionnaire.questions:
                entry.problem(f"'{key}' names '{link_id}', which is no question")
        return answers

    def staff(self, entry: Entry) -> dict[str, Any]:
        staff = entry.mapping("staff")
        for fact, value in staff.items():
            if fact not in _RECORDED_BY_STAFF:
                entry.problem(f"'staff' names '{fact}', but staff record {', '.join(sorted(_RECORDED_BY_STAFF))}")
            elif fact in self.known.choices and value not in self.known.choices[fact]:
                entry.problem(f"'staff' gives '{fact}' as {value!r}, which is none of its codes")
            elif fact in self.known.numbers and (isinstance(value, bool) or not isinstance(value, (int, float))):
                entry.problem(f"'staff' gives '{fact}' as {value!r}: write a number")
        return staff

    @staticmethod
    def day(entry: Entry) -> datetime.date:
        text = entry.string("staff_on", TODAY.isoformat())
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            entry.problem("'staff_on' must be a date such as 2026-11-23")
            return TODAY

    @staticmethod
    def must(entry: Entry) -> dict[str, str]:
        must = entry.mapping("must")
        for rule, words in must.items():
            if words not in EXPECTED_WORDS:
                entry.problem(f"'must' says '{words}' of {rule}: write one of {', '.join(EXPECTED_WORDS)}")
        return must


def run_vignette(vignette: Vignette, questionnaire: Questionnaire, rule_set: RuleSet) -> Ran:
    """Raises AnswersRefused for an answer that its page does not offer, or to a question this person is not asked."""
    document = answer_document(vignette, questionnaire)
    facts = facts_from_response(
        questionnaire,
        document,
        lexicon=rule_set.lexicon,
        now=NOW,
        today=TODAY,
        licensed_states=LICENSED_STATES,
        measurements=_measurements(vignette),
    )
    result = assess(rule_set, facts.values)
    words = {i.rule: described(rule_set.by_id[i.rule], rule_set, result, facts.values) for i in result.issues}
    return Ran(vignette, facts, words)


def answer_document(vignette: Vignette, questionnaire: Questionnaire) -> AnswerDocument:
    """The answers as they stand when the person is done, with the history of those they changed."""
    answers = complete_answers(**vignette.answers)
    try:
        document = answered(questionnaire, answers, now=NOW, changes=vignette.then)
    except AnswersRefused as error:
        raise AnswersRefused(f"{vignette.id}: {error}") from error
    asked = document.answers.keys() | {answer.link_id for answer in document.history}
    if never := sorted({*vignette.answers, *vignette.then} - asked):
        raise AnswersRefused(f"{vignette.id}: answers {', '.join(never)}, which this person is never asked")
    for answer in document.answers.values():
        # What is typed may be beyond reading; a code that is not offered is a slip of whoever wrote the vignette.
        if answer.state is State.UNPARSEABLE and questionnaire.questions[answer.link_id].options:
            raise AnswersRefused(f"{vignette.id}: {answer.link_id} offers no answer {answer.value!r}")
    return document


def _measurements(vignette: Vignette) -> list[Measurement]:
    return [
        Measurement(fact, value if isinstance(value, str) else float(value), vignette.staff_on)
        for fact, value in vignette.staff.items()
    ]
