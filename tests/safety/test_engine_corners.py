"""Corners of the engine that only a slip in its code would show."""

import pytest

from screening import engine
from screening.engine import assess_draft
from tests.screening.tiny import only, rule, rule_set

GRAVE = [{"tier": "emergency", "when": "true"}]


def on_draft(rules, facts, saved=()):
    return [issue.rule for issue in assess_draft(rules, facts, saved=set(saved)).issues]


def test_a_rule_of_required_facts_alone_is_left_out_on_a_draft():
    rules = rule_set(rule("asked", requires=["one"]), rule("grave", given='a == "yes"', bands=GRAVE))
    assert on_draft(rules, {"a": "yes"}) == ["grave"]


def test_a_required_fact_raises_no_alarm_on_a_draft_that_does_not_fire():
    rules = rule_set(rule("grave", given='a == "yes"', requires=["a"], bands=GRAVE))
    assert on_draft(rules, {"a": "no"}) == []


def test_a_draft_assumes_the_worst_when_just_what_would_settle_it_was_saved():
    rules = rule_set(rule("grave", given='a == "yes"', bands=[{"tier": "emergency", "when": 'b == "yes"'}]))
    assert on_draft(rules, {"a": "yes"}, saved=["b"]) == ["grave"]


@pytest.mark.parametrize(("policy", "tier"), [("ask", "info"), ("hold", "info"), ("caution", "caution")])
def test_a_rule_of_required_facts_alone_that_breaks_is_listed_at_its_policy_or_at_info(monkeypatch, policy, tier):
    def broken(*_arguments):
        raise ArithmeticError

    monkeypatch.setattr(engine, "evaluate_rule", broken)
    issue = only(rule_set(rule("asked", requires=["one"], unknown=policy)), {"one": "no"})
    assert (issue.status, issue.tier, issue.hold) == ("error", tier, True)


@pytest.mark.parametrize(
    ("given", "facts", "settle"),
    [
        # A number that matters both as a very low and as a very high one.
        ('n < LOW_MMHG && a == "yes"', {}, ("n", "a")),
        ('n >= LOW_MMHG && a == "yes"', {}, ("n", "a")),
        ('n < LOW_MMHG || a == "yes"', {}, ("n", "a")),
        ('n >= LOW_MMHG || a == "yes"', {}, ("n", "a")),
        # A code that no comparison names.
        ('a != "yes" && a != "no" && b == "yes"', {}, ("a", "b")),
    ],
)
def test_what_would_settle_an_open_rule_tries_both_sides_of_every_comparison(given, facts, settle):
    assert only(rule_set(rule("open", given=given)), facts).caused_by == settle


@pytest.mark.parametrize("count", [11, 12, 13, 14])
def test_a_cause_among_many_facts_is_the_one_that_suffices(count):
    names = [f"fact_{chr(97 + place)}" for place in range(count)]
    given = " || ".join(f'{name} == "yes"' for name in names)
    facts = {**dict.fromkeys(names, "no"), names[-1]: "yes"}
    assert only(rule_set(rule("many", given=given)), facts).caused_by == (names[-1],)


def test_a_cause_of_many_facts_that_all_matter_holds_them_all():
    names = [f"fact_{chr(97 + place)}" for place in range(14)]
    given = " && ".join(f'{name} == "yes"' for name in names)
    assert only(rule_set(rule("many", given=given)), dict.fromkeys(names, "yes")).caused_by == tuple(names)
