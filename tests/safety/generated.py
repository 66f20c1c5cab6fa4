"""What the generated tests share: people made up by chance over the shipped content, and what the rules list for them.

`SAFETY_BUDGET=full` runs them at full length; without it they fit into `./run test`. Every failure names its seed.
"""

import datetime
import itertools
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from random import Random
from typing import Any

import pytest

from intake.answers import Answer, AnswerDocument, State
from intake.branching import retire_unasked
from intake.questionnaires import Item
from screening import engine
from screening.demo.answers import complete_answers, demo_files
from screening.demo.filling import answered
from screening.engine import Issue, Status, Value, assess, bind, evaluate_rule
from screening.facts import Facts, Measurement, facts_from_response
from screening.rules import Rule, severity
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG, FactFile, known

RULES = shipped_rule_set()
QUESTIONNAIRE = shipped_questionnaire()
FULL = os.environ.get("SAFETY_BUDGET") == "full"
NOW = datetime.datetime(2026, 11, 23, 17, 0, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 11, 23)
IDENTITY_CHECKED = Measurement("identity_verified", "yes", TODAY)
# Every way in which a question can be left without an answer; None is a question that was never reached.
WITHOUT_ANSWER = (State.NOT_SURE, State.PREFER_NOT_TO_SAY, State.SKIPPED, State.UNPARSEABLE, None)


def budget(quick: int, full: int) -> int:
    """How many generated cases to try."""
    return full if FULL else quick


# ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def people_of_examples() -> Iterator[tuple[str, FactFile]]:
    """The person of every example of every rule, who has nothing else to flag, with a name for messages."""
    for rule in RULES.rules:
        for number, example in enumerate(rule.examples, 1):
            # Nobody both names medicines and says that there are none.
            medicines = {"takes_no_medicines_confirmed": "no"} if example.facts.get("medicines_as_typed") else {}
            yield f"{rule.id}, example {number}", {**NOTHING_TO_FLAG, **medicines, **example.facts}


def values_of(name: str) -> list[Value]:
    """Values of a bound fact that take every side of every comparison in the rule set."""
    if name in known().choices:
        return sorted(known().choices[name])
    around = {value + step for value in thresholds(name) for step in (-1.0, -0.01, 0.0, 0.01, 1.0)}
    return [
        *sorted(value for value in around if value >= 0),
        *([float("inf")] if name.startswith("days_since") else []),
    ]


@cache
def thresholds(name: str) -> frozenset[float]:
    """The constants that stand in one expression with a number."""
    expressions = (expression for rule in RULES.rules for expression in rule.expressions)
    beside = (e.variables for e in expressions if name in e.variables)
    return frozenset({RULES.values[n] for names in beside for n in names if n in RULES.values} or {0.0})


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def an_answer(link_id: str, value: Any, state: State = State.ANSWERED, *, at: datetime.datetime = NOW) -> Answer:
    return Answer(link_id, state, value, "asked", "shown", "en", "self", at.isoformat(), 1)


def document_of(answers: Mapping[str, Any]) -> AnswerDocument:
    """What somebody with nothing to declare answered, but for `answers` in the notation of the demo's files."""
    return answered(QUESTIONNAIRE, complete_answers(**answers), now=NOW)


def demo_people() -> dict[str, Mapping[str, Any]]:
    """The answers of everybody in the demo by name, after the changes that they made."""
    people = demo_files()["people.yaml"]["people"]
    named = {person["name"]: {**person.get("answers", {}), **person.get("changes", {})} for person in people}
    return dict(list(named.items())[:: budget(6, 1)])


def random_document(chance: Random, *, unknown: float = 0.1) -> AnswerDocument:
    """Answers by chance to everything that they make us ask; each left out with the given probability."""
    document = AnswerDocument()
    for link_id, item in QUESTIONNAIRE.questions.items():
        if chance.random() < unknown:
            leave_out(document, link_id, chance.choice(WITHOUT_ANSWER))
        else:
            document.put(an_answer(link_id, random_value(item, chance)))
    retire_unasked(QUESTIONNAIRE, document, at=NOW.isoformat())
    document.history.clear()
    return document


def leave_out(document: AnswerDocument, link_id: str, state: State | None) -> None:
    """Makes a question one without an answer, in one of the ways of WITHOUT_ANSWER."""
    if state is None:
        document.answers.pop(link_id, None)
    else:
        document.put(an_answer(link_id, "what was typed" if state is State.UNPARSEABLE else None, state))


def random_value(item: Item, chance: Random) -> Any:
    """An answer as the form of this type keeps it. "No" and nothing are as likely as everything else together."""
    ordinary = chance.random() < 0.5
    match item.type:
        case "choice":
            return item.options[-1 if ordinary else chance.randrange(len(item.options))].code
        case "multiple_choice":
            alone = [option.code for option in item.options if option.exclusive or option.rest]
            if ordinary and alone:
                return alone[:1]
            ticked = [option.code for option in item.options if not option.exclusive and chance.random() < 0.4]
            return ticked or [item.options[0].code]
        case "date" | "partial_date":
            day = TODAY - datetime.timedelta(
                days=chance.choice([0, 3, 20, 31, 90, 91, 184, 366, 400, 8000, 15000, 25000])
            )
            return day.isoformat()[: 10 if item.type == "date" else chance.choice([4, 7, 10])]
        case "number":
            return str(chance.choice([0, 1, 3, 70, 200]))
        case "height":
            return chance.choice([{"cm": "170"}, {"feet": "5", "inches": "8"}, {"cm": "999"}, {"feet": "1"}])
        case "weight":
            return chance.choice([{"kg": "70"}, {"pounds": "160"}, {"kg": "160"}, {"kg": "40"}, {"kg": "9"}])
        case "blood_pressure":
            reading = chance.choice(
                [(118, 76), (139, 89), (140, 80), (165, 95), (182, 90), (150, 121), (300, 60), (80, 90)]
            )
            return dict(zip(("systolic", "diastolic"), map(str, reading), strict=True))
        case "medicines":
            rows = [] if ordinary else [{"name": name, "dose": ""} for name in random_medicines(chance)]
            return {"none": not rows, "rows": rows}
        case "signature":
            return {"decision": "declined" if item.may_decline and not ordinary else "signed", "name": "Sam Sample"}
        case "phone":
            return {"typed": "212 555 0123", "e164": "+12125550123"}
        case "address":
            return {"line1": "1 Example Street", "city": "New York", "state": "NY", "postal_code": "10001"}
    return "something"


@cache
def _medicine_names() -> list[str]:
    return sorted(name for medicine in RULES.lexicon.medicines.values() for name in medicine.names)


def random_medicines(chance: Random) -> list[str]:
    lines = [chance.choice(_medicine_names()) for _ in range(chance.choice([1, 1, 2, 3]))]
    return [*lines, "zzqx 5 mg"] if chance.random() < 0.2 else lines


def facts_of(document: AnswerDocument, *, measurements: tuple[Measurement, ...] = (IDENTITY_CHECKED,)) -> Facts:
    return facts_from_response(
        QUESTIONNAIRE,
        document,
        lexicon=RULES.lexicon,
        now=NOW,
        today=TODAY,
        licensed_states=["ny"],
        measurements=measurements,
    )


# ── what is listed ─────────────────────────────────────────────────────────────────────────────────────────────────


def listed(facts: Mapping[str, Value]) -> dict[str, Issue]:
    return {issue.rule: issue for issue in assess(RULES, facts).issues}


def leave_unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what flags are caused by, where it decides nothing, because it costs most of the time."""
    monkeypatch.setattr(engine, "smallest_cause", lambda *_: ())
    monkeypatch.setattr(engine, "what_would_settle", lambda *_: ())


def stand_ins(rule_id: str, issues: Mapping[str, Issue], facts: Mapping[str, Value]) -> list[Issue]:
    """The listed flags that speak for a rule which is not clear and yet not listed: of the rules that it is covered by
    or yields to, and, where one of these is not clear and not listed itself, of those that speak for it."""
    rule = RULES.by_id[rule_id]
    found = []
    for other in (*rule.covered_by, *rule.yields_to):
        if other in issues:
            found.append(issues[other])
        elif evaluate_rule(RULES.by_id[other], bind(RULES, facts), facts).status is not Status.CLEAR:
            found += stand_ins(other, issues, facts)
    return found


def lost_flags(before: Mapping[str, Issue], facts: Mapping[str, Value]) -> list[str]:
    """What became safer when `before` turned into what is listed for `facts`, of which less is known: nothing, it must be.

    A flag that was listed is listed still, or a rule that it is covered by or yields to is. A fired one keeps its tier or is
    open now. Where the highest tier falls, what was highest is either open by the policy of its rule, or something that
    still blocks signing speaks for it.
    """
    after = listed(facts)
    problems = []
    for name, issue in before.items():
        now = [after[name]] if name in after else stand_ins(name, after, facts)
        if not now:
            problems.append(
                f"{name} was {issue.status} at {issue.tier}: now neither it nor a rule that speaks for it is listed"
            )
        elif name in after and after[name].status == "fired" and severity(after[name].tier) < severity(issue.tier):
            problems.append(f"{name} fell from {issue.tier} to {after[name].tier}")
    highest = max(map(severity, (issue.tier for issue in before.values())), default=0)
    if max(map(severity, (issue.tier for issue in after.values())), default=0) < highest:
        for name, issue in before.items():
            now = [after[name]] if name in after else stand_ins(name, after, facts)
            if severity(issue.tier) == highest and not any(i.status == "unresolved" or i.blocks_signing for i in now):
                problems.append(
                    f"{name} was the highest at {issue.tier}: nothing that is open or blocks speaks for it now"
                )
    return problems


# ── one rule by itself ─────────────────────────────────────────────────────────────────────────────────────────────


def facts_for(rule: Rule, most: int) -> list[dict[str, Value]]:
    """Facts that a rule reads, each at a value on every side of its comparisons or unbound: every combination where there
    are no more than `most`, else as many by chance."""
    names = rule.reads(RULES.constants)
    choices = {name: [None, *values_of(name)] for name in names}
    if math.prod(len(values) for values in choices.values()) <= most:
        combinations: Iterable[tuple[Value | None, ...]] = itertools.product(*choices.values())
    else:
        chance = Random(rule.id)
        combinations = (tuple(_mostly(chance, values) for values in choices.values()) for _ in range(most))
    return [{n: v for n, v in zip(names, values, strict=True) if v is not None} for values in combinations]


def _mostly(chance: Random, values: list[Value | None]) -> Value | None:
    """One of the values, or unbound half the time, because most results of a long rule need few of its facts."""
    return chance.choice(values) if chance.random() < 0.5 else None
