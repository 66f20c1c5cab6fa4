"""Corners of the engine that only a slip in its code would show."""

import pytest

from screening import engine
from screening.engine import TIME_LIMIT_SECONDS, assess_draft, bind, evaluate
from screening.rules import Expression
from tests.screening.tiny import listed, only, rule, rule_set

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


def test_of_twelve_facts_the_smallest_cause_is_found_and_not_the_first():
    others = [f"fact_{chr(97 + place)}" for place in range(9)]
    given = 'z == "yes" || (x == "yes" && y == "yes")' + "".join(f' || {name} == "yes"' for name in others)
    facts = {**dict.fromkeys(others, "no"), "x": "yes", "y": "yes", "z": "yes"}
    assert len(facts) == 12
    assert only(rule_set(rule("many", given=given)), facts).caused_by == ("z",)


def test_a_cause_among_more_facts_holds_nothing_that_can_go():
    others = [f"fact_{chr(97 + place)}" for place in range(12)]
    given = '(x == "yes" && y == "yes")' + "".join(f' || {name} == "yes"' for name in others)
    facts = {**dict.fromkeys(others, "no"), "x": "yes", "y": "yes"}
    assert only(rule_set(rule("many", given=given)), facts).caused_by == ("x", "y")


def test_a_fired_rule_that_also_requires_facts_has_a_cause():
    rules = rule_set(rule("both", given='a == "yes"', requires=["b"], bands=[{"tier": "relative", "when": "true"}]))
    assert only(rules, {"a": "yes", "b": "no"}).caused_by == ("a",)


@pytest.mark.parametrize(("count", "settle"), [(5, 5), (6, 7)])
def test_of_up_to_six_open_facts_only_those_that_matter_would_settle_a_rule(count, settle):
    """The first of the open facts is beside the point, as long as `c` is "no"."""
    others = [f"fact_{chr(97 + place)}" for place in range(count)]
    given = '(c == "yes" && a == "yes")' + "".join(f' || {name} == "yes"' for name in others)
    found = only(rule_set(rule("open", given=given)), {"c": "no"}).caused_by
    assert (len(found), "a" in found) == (settle, settle > count)


def test_what_is_required_would_settle_a_rule_with_many_open_facts_too():
    names = [f"fact_{chr(97 + place)}" for place in range(7)]
    given = " || ".join(f'{name} == "yes"' for name in names)
    rules = rule_set(rule("open", given=given, requires=["one"], bands=[{"tier": "relative", "when": "true"}]))
    assert only(rules, {}).caused_by == (*names, "one")


def test_a_fact_that_only_a_closed_band_could_hang_on_does_not_settle_a_rule():
    band = {"tier": "relative", "when": 'a == "no"'}
    assert only(rule_set(rule("open", given='a == "yes" && b == "yes"', bands=[band])), {}).caused_by == ("a",)


def test_a_number_that_can_never_be_right_makes_nothing_else_matter():
    given = 'n >= HIGH_MMHG && n < LOW_MMHG && a == "yes"'
    assert only(rule_set(rule("open", given=given)), {}).caused_by == ("n",)


def test_a_rule_that_takes_just_the_time_limit_has_not_failed():
    clock = iter([0.0, TIME_LIMIT_SECONDS])
    assert only(rule_set(rule("slow", given='a == "yes"')), {"a": "no"}, clock=lambda: next(clock)) is None


def test_a_result_that_is_no_truth_says_what_it_is():
    with pytest.raises(TypeError, match="The expression gave str, not true or false"):
        evaluate(Expression("a"), bind(rule_set(rule("any", given='a == "yes"')), {"a": "yes"}))


@pytest.mark.parametrize("broken", ["evaluate_rule", "smallest_cause"])
def test_a_failure_names_its_rule_in_the_log_and_has_no_cause(monkeypatch, caplog, broken):
    def fail(*_arguments):
        raise ArithmeticError

    monkeypatch.setattr(engine, broken, fail)
    issue = listed(rule_set(rule("tiny.broken", given='a == "yes"')), {"a": "yes"})["tiny.broken"]
    assert (issue.status, issue.caused_by, issue.settled_by) == ("error", (), ())
    assert [record.getMessage() for record in caplog.records] == ["Could not be assessed: tiny.broken"]
