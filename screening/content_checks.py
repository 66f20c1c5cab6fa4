"""Whether the rule set and the questionnaire fit each other, and whether every rule does what its examples say."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from clinic_site.publishing.documents import Problem
from intake.questionnaires import Questionnaire
from screening.engine import Result, Status, assess, bind, evaluate_rule
from screening.facts import FactError, Vocabulary, derive, facts_from_file, vocabulary, without_implausible
from screening.rules import Rule, RuleSet

_GENERATED = 600
_SEED = 20261123


def content_problems(questionnaire: Questionnaire, rule_set: RuleSet, files: Mapping[str, str]) -> list[Problem]:
    """Every way in which the documents do not fit. `files` names the file of each rule."""
    known = vocabulary(questionnaire, rule_set.lexicon)
    problems = list(_names(rule_set, known, files))
    problems += _unreachable(questionnaire)
    if problems:
        return problems
    problems += _examples(questionnaire, rule_set, known, files)
    problems += _coverage(questionnaire, rule_set, known, files)
    return problems


def _names(rule_set: RuleSet, known: Vocabulary, files: Mapping[str, str]) -> Iterator[Problem]:
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
        for expression in rule.expressions:
            for name in expression.variables:
                literals = expression.literals(name)
                if name in known.choices and (wrong := literals - known.choices[name]):
                    codes = ", ".join(sorted(known.choices[name]))
                    yield Problem(*where, f"compares '{name}' with \"{min(wrong)}\", but its codes are {codes}")
                if name in known.choices and not literals:
                    yield Problem(*where, f"'{name}' is a choice: compare it with one of its codes in double quotes")
                if name in known.numbers and literals:
                    yield Problem(*where, f"'{name}' is a number and is compared with text")


def _unreachable(questionnaire: Questionnaire) -> Iterator[Problem]:
    """Pages whose conditions exclude each other."""
    for page in questionnaire.pages:
        item = page.item
        if item.enable_any or len(item.enable_when) < 2:
            continue
        for condition in item.enable_when:
            gate = questionnaire.questions.get(condition.question)
            if gate is None or gate.type != "choice":
                continue
            own = [c for c in item.enable_when if c.question == condition.question]
            open_codes = [
                option.code for option in gate.options if all(_allows(c.operator, c.answer, option.code) for c in own)
            ]
            if not open_codes:
                yield Problem(
                    "questionnaire",
                    item.link_id,
                    f"is never asked: its conditions on '{condition.question}' exclude each other",
                )
                break


def _allows(operator: str, answer: Any, code: str) -> bool:
    return (code == answer) if operator == "=" else (code != answer) if operator == "!=" else bool(answer)


def run(
    rule_set: RuleSet, values: Mapping[str, Any], questionnaire: Questionnaire, known: Vocabulary
) -> tuple[Result, dict[str, Any]]:
    """The whole rule set over facts spelled as in a file, and what was bound."""
    facts = derive(without_implausible(facts_from_file(values, known), questionnaire), rule_set.lexicon)
    return assess(rule_set, facts.values), dict(facts.values)


def described(rule: Rule, rule_set: RuleSet, result: Result, facts: Mapping[str, Any]) -> str:
    """What is listed for one rule, in the words of an example's `expect`."""
    issue = next((issue for issue in result.issues if issue.rule == rule.id), None)
    if issue is not None:
        worst = " (worst case)" if issue.worst_case_assumed else ""
        if issue.status == Status.FIRED.value:
            return "fired hold" + worst if issue.hold else issue.tier + worst
        if issue.status == Status.UNRESOLVED.value:
            return "hold" if issue.hold else "ask" if rule.unknown == "ask" else f"unresolved {issue.tier}"
        return "error"
    outcome = evaluate_rule(rule, bind(rule_set, facts), facts)
    if outcome.status is Status.CLEAR:
        return "clear"
    if outcome.status is Status.UNRESOLVED and rule.unknown == "covered":
        return "covered"
    return "yields"


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
