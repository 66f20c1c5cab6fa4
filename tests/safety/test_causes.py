"""What a flag says it is caused by: enough to give the same result, and nothing that it does not need."""

import itertools
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.engine import Status, bind, evaluate_rule, smallest_cause, what_would_settle
from tests.safety.generated import RULES, budget, facts_for, values_of
from tests.screening import tiny

# With more combinations than this, what would settle a rule is only tried by chance.
MOST_TRIED = 400


def outcome(rule_set, rule, facts):
    return evaluate_rule(rule, bind(rule_set, facts), facts)


def check_cause(rule_set, rule, facts):
    """The cause alone gives the same result; without any one fact of it, it does not."""
    result = outcome(rule_set, rule, facts)
    cause = smallest_cause(rule_set, rule, result, facts)
    alone = {name: facts[name] for name in cause}
    assert outcome(rule_set, rule, alone) == result, facts
    for name in cause:
        without = {n: v for n, v in alone.items() if n != name}
        assert outcome(rule_set, rule, without) != result, (facts, name)


def check_settling(rule_set, rule, facts, values):
    """Once the named facts are known, whatever they are, the rule is settled; each is needed under some of the others."""
    named = what_would_settle(rule_set, rule, facts)
    assert named, facts
    assert not set(named) & set(facts)
    tried = [values(name) for name in named]
    exhaustive = math.prod(map(len, tried)) <= MOST_TRIED
    chance = Random(rule.id)
    by_chance = (tuple(map(chance.choice, tried)) for _ in range(20))
    # What a rule requires is always asked for, also where every answer to the rest would raise it.
    needed = set(rule.requires) & set(named)
    for known in itertools.product(*tried) if exhaustive else by_chance:
        settled = {**facts, **dict(zip(named, known, strict=True))}
        assert outcome(rule_set, rule, settled).status is not Status.UNRESOLVED, settled
        for name in set(named) - needed:
            without = {n: v for n, v in settled.items() if n != name}
            if outcome(rule_set, rule, without).status is Status.UNRESOLVED:
                needed.add(name)
    assert needed == set(named) or not exhaustive, facts


def sides(name):
    """Fewer values of a fact, still on every side of every comparison."""
    values = values_of(name)
    return values if len(values) < 5 else [values[0], *values[2::5], values[-1]]


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_cause_of_a_flag_is_enough_and_holds_nothing_else(rule):
    for facts in facts_for(rule, budget(60, 5_000)):
        if outcome(RULES, rule, facts).status is Status.FIRED:
            check_cause(RULES, rule, facts)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_what_would_settle_an_open_rule_is_enough_and_holds_nothing_else(rule):
    for facts in facts_for(rule, budget(60, 5_000)):
        if outcome(RULES, rule, facts).status is Status.UNRESOLVED:
            check_settling(RULES, rule, facts, sides)


# ── rules made up by chance ────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("a", "b", "c", "d")
VALUES = ["yes", "no", "not_applicable"]
comparisons = st.builds(
    '{} {} "{}"'.format, st.sampled_from(NAMES), st.sampled_from(["==", "!="]), st.sampled_from(["yes", "no"])
)
expressions = st.recursive(
    comparisons,
    lambda parts: st.one_of(
        st.builds("({} && {})".format, parts, parts),
        st.builds("({} || {})".format, parts, parts),
        st.builds("!({})".format, parts),
    ),
    max_leaves=6,
)
people = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.sampled_from(VALUES)))


def made_up(given, band, requires):
    bands = [{"tier": "absolute", "when": band}, {"tier": "caution", "when": "true"}]
    return tiny.rule_set(tiny.rule("made-up", given=given, bands=bands, requires=requires))


@settings(max_examples=budget(150, 20_000), derandomize=True, deadline=None, database=None)
@given(
    given=expressions,
    band=expressions,
    facts=people,
    requires=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
)
def test_causes_of_made_up_rules_are_enough_and_hold_nothing_else(given, band, facts, requires):
    rule_set = made_up(given, band, requires)
    (rule,) = rule_set.rules
    status = outcome(rule_set, rule, facts).status
    if status is Status.FIRED:
        check_cause(rule_set, rule, facts)
    elif status is Status.UNRESOLVED and hangs_on_what_is_open(rule_set, rule, facts):
        check_settling(rule_set, rule, facts, lambda _name: VALUES)


def hangs_on_what_is_open(rule_set, rule, facts):
    """False for a condition that contradicts itself, or always holds: any fact of it would settle it, none is needed."""
    unknown = [name for name in NAMES if name not in facts]
    filled = (
        {**facts, **dict(zip(unknown, known, strict=True))} for known in itertools.product(VALUES, repeat=len(unknown))
    )
    return len({outcome(rule_set, rule, everything).status for everything in filled}) > 1
