"""The shipped engine against cel-python, a second implementation of the same language by other people."""

from functools import cache
from random import Random

import celpy
import pytest
from celpy.celtypes import DoubleType, StringType

from intake.truth import Truth
from screening.engine import bind, evaluate
from tests.conftest import shipped_rule_set
from tests.safety.people import bound_facts, random_person

RULES = shipped_rule_set()
EXPRESSIONS = [(rule.id, expression) for rule in RULES.rules for expression in rule.expressions]


@cache
def people():
    chance = Random(20261123)
    return [
        bound_facts(random_person(chance, unknown=share, seen_by_staff=turn % 2 == 0))
        for share in (0.0, 0.2, 0.5, 0.8)
        for turn in range(8)
    ]


@cache
def second_engine():
    return celpy.Environment()


def second_opinion(program, facts):
    try:
        result = program.evaluate(facts)
    except celpy.CELEvalError:
        return Truth.UNKNOWN
    return Truth.TRUE if result else Truth.FALSE


@pytest.mark.parametrize(("rule", "expression"), EXPRESSIONS, ids=lambda part: part if isinstance(part, str) else "")
def test_both_engines_agree_on_every_expression(rule, expression):
    environment = second_engine()
    program = environment.program(environment.compile(expression.source))
    for facts in people():
        read = {n: facts.get(n, RULES.values.get(n)) for n in expression.variables}
        typed = {n: DoubleType(v) if isinstance(v, float) else StringType(v) for n, v in read.items() if v is not None}
        assert evaluate(expression, bind(RULES, facts)) is second_opinion(program, typed), (rule, read)


def test_the_generated_people_take_every_expression_both_ways():
    constant = {"true", "false"}
    seen = {
        (rule, expression.source): {evaluate(expression, bind(RULES, facts)) for facts in people()}
        for rule, expression in EXPRESSIONS
        if expression.source not in constant
    }
    assert [where for where, truths in seen.items() if len(truths) < 2] == []
