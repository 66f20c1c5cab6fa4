"""The shipped engine against cel-python, a second implementation of the same language by other people."""

from collections import defaultdict
from functools import cache
from random import Random

import celpy
import pytest
from celpy.celtypes import DoubleType, StringType

from intake.truth import Truth
from screening.engine import bind, evaluate
from tests.conftest import shipped_rule_set
from tests.safety.generated import budget, facts_for, facts_of, people_of_examples, random_document
from tests.safety.people import bound_facts, random_person

RULES = shipped_rule_set()
EXPRESSIONS = [(rule, expression) for rule in RULES.rules for expression in rule.expressions]
NO_TRUTH = "no truth"


@cache
def people():
    """The facts of whole people: from fact files, and from answers."""
    chance = Random("two engines")
    files = [
        bound_facts(random_person(chance, unknown=share, seen_by_staff=turn % 2 == 0))
        for share in (0.0, 0.2, 0.5, 0.8)
        for turn in range(budget(5, 250))
    ]
    return [*files, *(dict(facts_of(random_document(chance)).values) for _ in range(budget(5, 1_000)))]


@cache
def second_engine(source):
    environment = celpy.Environment()
    return environment.program(environment.compile(source))


@cache
def examples():
    """The facts of the people of each rule's examples."""
    found = defaultdict(list)
    for name, person in people_of_examples():
        found[name.split(",")[0]].append(bound_facts(person))
    return found


def tried(rule):
    return [*facts_for(rule, budget(40, 3_000)), *examples()[rule.id], *people()]


def first_opinion(expression, facts):
    try:
        return evaluate(expression, bind(RULES, facts, only=set(expression.variables)))
    except TypeError:
        return NO_TRUTH


def second_opinion(expression, facts):
    read = {name: facts.get(name, RULES.values.get(name)) for name in expression.variables}
    typed = {n: DoubleType(v) if isinstance(v, float) else StringType(v) for n, v in read.items() if v is not None}
    try:
        result = second_engine(expression.source).evaluate(typed)
    except celpy.CELEvalError as error:
        return Truth.UNKNOWN if "undeclared reference" in str(error) else NO_TRUTH
    return Truth.TRUE if result else Truth.FALSE


@pytest.mark.parametrize(("rule", "expression"), EXPRESSIONS, ids=lambda part: getattr(part, "id", ""))
def test_both_engines_agree_on_every_expression(rule, expression):
    for facts in tried(rule):
        expected = second_opinion(expression, facts)
        assert expected is not NO_TRUTH
        assert first_opinion(expression, facts) is expected, {n: facts.get(n) for n in expression.variables}


@pytest.mark.parametrize(("rule", "expression"), EXPRESSIONS, ids=lambda part: getattr(part, "id", ""))
def test_neither_engine_gives_a_truth_for_a_number_that_is_a_text_where_the_other_gives_none(rule, expression):
    for name in expression.variables:
        if name in RULES.constants or expression.literals(name):
            continue
        for facts in facts_for(rule, budget(10, 200)):
            wrong = {**facts, name: "yes"}
            # Which of two reasons a missing truth has is left open: an unknown fact may stand beside the wrong one.
            first, second = (
                None if opinion in (NO_TRUTH, Truth.UNKNOWN) else opinion
                for opinion in (first_opinion(expression, wrong), second_opinion(expression, wrong))
            )
            assert first is second, (name, {n: wrong.get(n) for n in expression.variables})


def test_what_is_tried_takes_every_expression_both_ways():
    one_sided = [
        (rule.id, expression.source)
        for rule, expression in EXPRESSIONS
        if expression.variables
        and not {Truth.TRUE, Truth.FALSE} <= {first_opinion(expression, facts) for facts in tried(rule)}
    ]
    assert one_sided == []
