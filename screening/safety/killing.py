"""Which broken rules the examples and the vignettes notice, by re-evaluating only what a broken rule can change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import cel

from intake.questionnaires import Questionnaire
from screening.content_checks import in_words
from screening.engine import Outcome, Status, Value, beside_others, bind, evaluate_rule
from screening.fact_files import facts_from_file, without_implausible
from screening.facts import derive
from screening.rules import Rule, RuleSet
from screening.safety.mutants import Mutant, mutants_of, step_of
from screening.safety.vignettes import Ran, Vignette
from screening.vocabulary import vocabulary


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    by_example: bool
    by_vignette: bool

    @property
    def killed(self) -> bool:
        return self.by_example or self.by_vignette


@dataclass(frozen=True)
class _Person:
    """The facts of an example (with its rule and what that expects) or of a vignette."""

    facts: Mapping[str, Value]
    expects: Mapping[str, str] = field(default_factory=dict)
    vignette: Vignette | None = None


@dataclass
class _Case:
    """Every example and vignette that looks the same to a group of rules."""

    facts: Mapping[str, Value]
    context: cel.Context
    outcomes: dict[str, Outcome]
    expects: list[tuple[str, str]] = field(default_factory=list)
    vignettes: list[Vignette] = field(default_factory=list)


def verdicts(questionnaire: Questionnaire, rule_set: RuleSet, ran: Iterable[Ran]) -> list[Verdict]:
    """Every mutant of every rule, tried on every example and every vignette."""
    people = [*_examples(questionnaire, rule_set), *_people(ran)]
    known = vocabulary(questionnaire, rule_set.lexicon)
    found = []
    for rule in rule_set.rules:
        listed = [rule, *(other for other in rule_set.rules if rule.id in (*other.yields_to, *other.covered_by))]
        cases = _cases(rule_set, listed, people)
        found += [_verdict(mutant, listed, cases) for mutant in mutants_of(rule, rule_set, known)]
    return found


def _people(ran: Iterable[Ran]) -> list[_Person]:
    """Those vignettes that pass: one that fails with the whole rule says nothing about a broken one."""
    return [_Person(run.facts.values, vignette=run.vignette) for run in ran if not run.report()]


def _examples(questionnaire: Questionnaire, rule_set: RuleSet) -> Iterable[_Person]:
    known = vocabulary(questionnaire, rule_set.lexicon)
    for rule in rule_set.rules:
        for example in rule.examples:
            given = without_implausible(facts_from_file(example.facts, known), questionnaire)
            yield _Person(derive(given, rule_set.lexicon).values, expects={rule.id: example.expect})


def _cases(rule_set: RuleSet, listed: list[Rule], people: Iterable[_Person]) -> list[_Case]:
    """People by what the listed rules, and the rules that these look at, read of them."""
    ids = {name for rule in listed for name in (rule.id, *rule.yields_to, *rule.covered_by)}
    rules = [rule for rule in rule_set.rules if rule.id in ids]
    reads = list(dict.fromkeys(name for rule in rules for name in rule.reads(rule_set.constants)))
    names = {*reads, *rule_set.constants}
    cases: dict[tuple[Value | None, ...], _Case] = {}
    shown = {rule.id for rule in listed}
    for person in people:
        expects = [(rule, words) for rule, words in person.expects.items() if rule in shown]
        if not expects and person.vignette is None:
            continue
        key = tuple(person.facts.get(name) for name in reads)
        if key not in cases:
            facts = {name: person.facts[name] for name in reads if name in person.facts}
            context = bind(rule_set, facts, only=names)
            cases[key] = _Case(facts, context, {rule.id: evaluate_rule(rule, context, facts) for rule in rules})
        cases[key].expects += expects
        if person.vignette is not None:
            cases[key].vignettes.append(person.vignette)
    return list(cases.values())


def _verdict(mutant: Mutant, listed: list[Rule], cases: list[_Case]) -> Verdict:
    rules = [mutant.rule if rule.id == mutant.rule.id else rule for rule in listed]
    by_example = by_vignette = False
    for case in cases:
        words = _words(rules, {**case.outcomes, mutant.rule.id: _outcome(mutant.rule, case.context, case.facts)})
        by_example = by_example or any(words[rule][0] != expected for rule, expected in case.expects)
        by_vignette = by_vignette or _objects(case.vignettes, words)
        if by_example and by_vignette:
            break
    return Verdict(mutant, by_example, by_vignette)


def _outcome(rule: Rule, context: cel.Context, facts: Mapping[str, Value]) -> Outcome:
    try:
        return evaluate_rule(rule, context, facts)
    except (RuntimeError, TypeError, ValueError):
        return Outcome(Status.ERROR)


# For each rule the word of `expect`, and the word that is listed ("" for nothing).
_Words = Mapping[str, tuple[str, str]]


def _words(rules: Iterable[Rule], outcomes: Mapping[str, Outcome]) -> _Words:
    words = {}
    for rule in rules:
        shown = beside_others(rule, outcomes)
        word = in_words(rule, outcomes[rule.id], shown)
        words[rule.id] = (word, word if shown else "")
    return words


def _objects(vignettes: Iterable[Vignette], words: _Words) -> bool:
    return any(not vignette.judges(rule, seen) for vignette in vignettes for rule, (_word, seen) in words.items())


def unnoticed_thresholds(rule_set: RuleSet, ran: Iterable[Ran]) -> list[str]:
    """Constants that can be moved by one step, wherever they are used, without any vignette failing."""
    people = _people(ran)
    found = []
    for name, constant in rule_set.constants.items():
        readers = {rule.id for rule in rule_set.rules if any(name in e.variables for e in rule.expressions)}
        listed = [rule for rule in rule_set.rules if readers & {rule.id, *rule.yields_to, *rule.covered_by}]
        cases = _cases(rule_set, listed, people)
        for step in (-step_of(constant), step_of(constant)):
            value = round(constant.value + step, 6)
            moved = replace(rule_set, constants={**rule_set.constants, name: replace(constant, value=value)})
            if not any(_objects(case.vignettes, _words(listed, _outcomes(moved, readers, case))) for case in cases):
                found.append(f"{name} at {value:g} instead of {constant.value:g}")
    return found


def _outcomes(moved: RuleSet, readers: Iterable[str], case: _Case) -> dict[str, Outcome]:
    context = bind(moved, case.facts, only={*case.facts, *moved.constants})
    return {**case.outcomes, **{rule: _outcome(moved.by_id[rule], context, case.facts) for rule in readers}}
