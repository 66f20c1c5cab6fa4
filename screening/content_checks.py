"""Whether the rule set and the questionnaire fit each other, and whether every rule does what its examples say."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from clinic_site.publishing.documents import Problem
from intake.answers import Answer, AnswerDocument, State
from intake.branching import what_is_asked
from intake.questionnaires import PARTS, Condition, Page, Questionnaire
from intake.truth import Truth
from screening.engine import Outcome, Result, Status, assess, bind, evaluate_rule
from screening.fact_files import FactError, facts_from_file, without_implausible
from screening.facts import derive
from screening.rules import Rule, RuleSet
from screening.vocabulary import STAFF_FACTS, Vocabulary, link_ids_of, vocabulary

_GENERATED = 600
_SEED = 20261123
# With more combinations of answers than this, a page is taken to be asked under some of them.
_MOST_TRIED = 20_000


def content_problems(questionnaire: Questionnaire, rule_set: RuleSet, files: Mapping[str, str]) -> list[Problem]:
    """Every way in which the documents do not fit. `files` names the file of each rule."""
    known = vocabulary(questionnaire, rule_set.lexicon)
    problems = list(_names(questionnaire, rule_set, known, files))
    problems += _unreachable(questionnaire)
    if problems:
        return problems
    problems += _examples(questionnaire, rule_set, known, files)
    problems += _coverage(questionnaire, rule_set, known, files)
    return problems


def _names(
    questionnaire: Questionnaire, rule_set: RuleSet, known: Vocabulary, files: Mapping[str, str]
) -> Iterator[Problem]:
    """Names and option codes that do not exist, and names used as another type than they have."""
    readable = known.numbers | frozenset(known.choices)
    for rule in rule_set.rules:
        where = (files[rule.id], rule.id)
        for name in rule.reads(rule_set.constants):
            if name in known.lists:
                yield Problem(
                    *where,
                    f"reads the list '{name}': read what is derived from it, such as takes_… or medicine_unrecognized",
                )
            elif name not in readable:
                yield Problem(*where, f"reads '{name}', which no question asks and nothing derives")
            elif name not in STAFF_FACTS and not link_ids_of(name, questionnaire):
                yield Problem(*where, f"reads '{name}', which is not asked yet: the rule would stay open for everybody")
        for expression in rule.expressions:
            for name in expression.variables:
                literals = expression.literals(name)
                if name in known.choices and (wrong := literals - known.choices[name]):
                    codes = ", ".join(sorted(known.choices[name]))
                    yield Problem(*where, f"compares '{name}' with \"{min(wrong)}\", but its codes are {codes}")
                if name in known.choices and not literals:
                    yield Problem(*where, f"'{name}' is a choice: compare it with one of its codes in double quotes")
                if name in known.numbers and expression.meets_text(name):
                    yield Problem(*where, f"'{name}' is a number and is compared with text")


def _unreachable(questionnaire: Questionnaire) -> Iterator[Problem]:
    """Pages that no answers to their gates, and to the gates of those, ever open."""
    for page in questionnaire.pages:
        if page.item.enable_when and not _can_open(questionnaire, page):
            yield Problem(
                "questionnaire",
                page.item.link_id,
                "is never asked: its conditions, or those of the questions they name, exclude each other",
            )


def _can_open(questionnaire: Questionnaire, page: Page) -> bool:
    answers = _gate_answers(questionnaire, page)
    if math.prod(len(values) for values in answers.values()) > _MOST_TRIED:
        return True
    for values in itertools.product(*answers.values()):
        given = _spread(questionnaire, dict(zip(answers, values, strict=True)))
        document = AnswerDocument({name: _answered(name, v) for name, v in given.items() if v is not None})
        if what_is_asked(questionnaire, document)[page.number] is Truth.TRUE:
            return True
    return False


def _gate_answers(questionnaire: Questionnaire, page: Page) -> dict[str, list[Any]]:
    """For every question that decides whether a page is asked, the answers worth trying."""
    conditions, waiting = list[Condition](), [page]
    while waiting:
        for condition in waiting.pop().item.enable_when:
            if condition not in conditions:
                conditions.append(condition)
                waiting.append(questionnaire.page_of[condition.question])
    tried: dict[str, list[Any]] = {}
    for condition in conditions:
        values = tried.setdefault(condition.question, [None])
        item = questionnaire.questions.get(condition.question)
        if condition.question in questionnaire.scores or condition.question in questionnaire.screens:
            values += [min, max]
        elif condition.question in PARTS or item and item.type == "number":
            values += [str(float(condition.answer) + step) for step in (-1, 0, 1)]
        elif item and item.options:
            codes = [option.code for option in item.options]
            several = [[o.code for o in item.options if not o.exclusive], *([code] for code in codes)]
            values += several if item.type == "multiple_choice" else codes
        else:
            values.append(condition.answer)
    readings = [tried.pop(name, ["0"]) for name in PARTS]
    if any(len(values) > 1 for values in readings):
        pairs = itertools.product(*([v for v in values if v is not None] for values in readings))
        tried["blood_pressure"] = [None, *(dict(zip(PARTS.values(), pair, strict=True)) for pair in pairs)]
    return tried


def _spread(questionnaire: Questionnaire, given: Mapping[str, Any]) -> dict[str, Any]:
    """Answers with those that decide a scale put in: all its items at their lowest, or at their highest."""
    found = dict(given)
    for name, end in given.items():
        if name in questionnaire.screens or name in questionnaire.scores:
            screen = questionnaire.screens.get(name)
            score = questionnaire.scores[screen.score if screen else name]
            del found[name]
            for link_id in questionnaire.items_of(score) if end else ():
                options = questionnaire.questions[link_id].options
                found.setdefault(link_id, end(options, key=lambda option: option.score or 0).code)
    return found


def _answered(link_id: str, value: Any) -> Answer:
    return Answer(link_id, State.ANSWERED, value, question="", shown="", language="", entered_by="", at="", revision=0)


def run(
    rule_set: RuleSet, values: Mapping[str, Any], questionnaire: Questionnaire, known: Vocabulary
) -> tuple[Result, dict[str, Any]]:
    """The whole rule set over facts spelled as in a file, and what was bound."""
    facts = derive(without_implausible(facts_from_file(values, known), questionnaire), rule_set.lexicon)
    return assess(rule_set, facts.values), dict(facts.values)


def described(rule: Rule, rule_set: RuleSet, result: Result, facts: Mapping[str, Any]) -> str:
    """What is listed for one rule, in the words of an example's `expect`."""
    issue = next((issue for issue in result.issues if issue.rule == rule.id), None)
    if issue is None:
        return in_words(rule, evaluate_rule(rule, bind(rule_set, facts), facts), None)
    listed = Outcome(Status(issue.status), issue.tier, issue.hold, issue.worst_case_assumed)
    return in_words(rule, listed, listed)


def in_words(rule: Rule, alone: Outcome, listed: Outcome | None) -> str:
    """What a rule says `alone`, and what is listed of it beside the other rules, as one word of `expect`."""
    if listed is None:
        if alone.status is Status.CLEAR:
            return "clear"
        return "covered" if alone.status is Status.UNRESOLVED and rule.unknown == "covered" else "yields"
    if listed.status is Status.FIRED:
        return ("fired hold" if listed.hold else listed.tier) + " (worst case)" * listed.worst_case_assumed
    if listed.status is Status.UNRESOLVED:
        return "hold" if listed.hold else "ask" if rule.unknown == "ask" else f"unresolved {listed.tier}"
    return "error"


def _examples(
    questionnaire: Questionnaire, rule_set: RuleSet, known: Vocabulary, files: Mapping[str, str]
) -> Iterator[Problem]:
    for rule in rule_set.rules:
        for number, example in enumerate(rule.examples, 1):
            try:
                result, facts = run(rule_set, example.facts, questionnaire, known)
            except FactError as error:
                yield Problem(files[rule.id], rule.id, f"example {number}: {error}")
                continue
            got = described(rule, rule_set, result, facts)
            if got != example.expect:
                yield Problem(
                    files[rule.id],
                    rule.id,
                    f"example {number}: expected '{example.expect}', but the rules give '{got}'",
                )


def _coverage(
    questionnaire: Questionnaire, rule_set: RuleSet, known: Vocabulary, files: Mapping[str, str]
) -> Iterator[Problem]:
    """Proves `covered_by` over generated facts.

    Whenever such a rule is unresolved, a rule that covers it is fired or unresolved.
    """
    for rule in rule_set.rules:
        if rule.unknown != "covered":
            continue
        for values in generated_facts(rule_set, rule, known):
            given = without_implausible(facts_from_file(values, known), questionnaire)
            facts = derive(given, rule_set.lexicon).values
            context = bind(rule_set, facts)
            if evaluate_rule(rule, context, facts).status is not Status.UNRESOLVED:
                continue
            covering = (evaluate_rule(rule_set.by_id[other], context, facts).status for other in rule.covered_by)
            if not any(status in (Status.FIRED, Status.UNRESOLVED) for status in covering):
                stated = ", ".join(f"{name}={value}" for name, value in values.items()) or "nothing known"
                named = ", ".join(rule.covered_by)
                yield Problem(
                    files[rule.id], rule.id, f"'covered_by' does not cover: with {stated} none of {named} is open"
                )
                break


def generated_facts(rule_set: RuleSet, rule: Rule, known: Vocabulary) -> Iterator[dict[str, Any]]:
    """Fact files over what a rule and the rules that cover it read.

    Every single value, then random mixtures (seeded).
    """
    names: dict[str, list[Any]] = {}
    for related in (rule, *(rule_set.by_id[other] for other in rule.covered_by)):
        for name in related.reads(rule_set.constants):
            for raw, values in _raw(name, rule_set, known).items():
                names[raw] = [*names.get(raw, []), *(value for value in values if value not in names.get(raw, []))]
    mixture = random.Random(_SEED)  # noqa: S311 - reproducible, not secret
    yield {}
    for name, values in names.items():
        for value in values:
            yield {name: value}
    for _ in range(_GENERATED):
        chosen = {name: mixture.choice([None, *values]) for name, values in names.items()}
        yield {name: value for name, value in chosen.items() if value is not None}


def _raw(name: str, rule_set: RuleSet, known: Vocabulary) -> dict[str, list[Any]]:
    """Values worth trying for a fact, in terms of what is asked.

    Medicine classes by medicines, measures around each threshold.
    """
    if (
        name.startswith("takes_")
        and name in known.choices
        and name != "takes_no_medicines_confirmed"
        or name == "medicine_unrecognized"
    ):
        code = name.removeprefix("takes_")
        member = next((m.name for m in rule_set.lexicon.medicines.values() if code in m.classes), "metformin")
        lists = [[], [member], [member, "no such medicine"], ["no such medicine"], "skipped"]
        return {"medicines_as_typed": lists, "takes_no_medicines_confirmed": ["yes", "no", "skipped"]}
    if name in known.choices:
        return {name: sorted(known.choices[name]) + ["not_sure"]}
    if name == "bmi_kg_m2":
        return {"height_cm": [170.0, "skipped"], "weight_kg": [40.0, 70.0, 140.0, "skipped"]}
    around = sorted({value + step for value in rule_set.values.values() for step in (-1.0, 0.0, 1.0)})
    return {name: [*around[:: max(1, len(around) // 12)], "skipped"]}
