"""The tables of the rule engine, row by row, with rule sets of one or two lines."""

import json

import pytest

from screening import engine
from screening.engine import assess, assess_draft
from screening.rules import TIERS
from tests.screening.tiny import YES_BAND, listed, only, rule, rule_set

TWO_BANDS = [
    {"tier": "absolute", "when": 'bad == "yes"'},
    {"tier": "caution", "when": 'mild == "yes"'},
]


def graded(**values):
    return rule_set(rule("graded", given='had == "yes"', bands=TWO_BANDS, **values))


@pytest.mark.parametrize(
    ("facts", "tier", "worst_case", "settled_by"),
    [
        ({"had": "yes", "bad": "yes", "mild": "no"}, "absolute", False, ()),
        ({"had": "yes", "bad": "yes"}, "absolute", False, ()),
        ({"had": "yes", "bad": "no", "mild": "yes"}, "caution", False, ()),
        ({"had": "yes", "mild": "yes"}, "absolute", True, ("bad",)),
        ({"had": "yes", "mild": "no"}, "absolute", True, ("bad",)),
        ({"had": "yes"}, "absolute", True, ("bad",)),
        ({"had": "yes", "bad": "no"}, "caution", True, ("mild",)),
    ],
)
def test_a_given_rule_fires_at_the_first_band_that_is_not_false(facts, tier, worst_case, settled_by):
    issue = only(graded(), facts)
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("fired", tier, False)
    assert (issue.worst_case_assumed, issue.settled_by) == (worst_case, settled_by)


@pytest.mark.parametrize(
    "facts",
    [
        {"had": "yes", "bad": "no", "mild": "no"},
        {"bad": "no", "mild": "no"},
        {"had": "no"},
        {"had": "no", "bad": "yes", "mild": "yes"},
        {"had": "not_applicable"},
    ],
)
def test_a_rule_is_clear_when_it_is_not_given_or_every_band_is_false(facts):
    assert only(graded(), facts) is None


@pytest.mark.parametrize("facts", [{}, {"bad": "yes"}, {"bad": "no"}, {"mild": "yes"}, {"bad": "no", "mild": "yes"}])
def test_a_rule_that_may_be_given_is_unresolved_while_a_band_is_open(facts):
    issue = only(graded(), facts)
    assert issue is not None
    assert (issue.status, issue.worst_case_assumed, issue.caused_by) == ("unresolved", False, ("had",))


@pytest.mark.parametrize(
    ("policy", "tier", "hold"),
    [("ask", "info", False), ("hold", "info", True), *((tier, tier, False) for tier in TIERS)],
)
def test_an_open_question_is_listed_as_the_policy_says(policy, tier, hold):
    issue = only(rule_set(rule("open", given='had == "yes"', unknown=policy)), {})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("unresolved", tier, hold)


def test_a_number_that_is_missing_leaves_its_rule_unresolved():
    rules = rule_set(rule("pressure", given="systolic_mmhg >= LOW_MMHG || diastolic_mmhg >= LOW_MMHG"))
    assert only(rules, {"systolic_mmhg": 120.0}).status == "unresolved"
    assert only(rules, {"systolic_mmhg": 120.0}).caused_by == ("diastolic_mmhg",)
    assert only(rules, {"systolic_mmhg": 140.0}).status == "fired"
    assert only(rules, {"systolic_mmhg": 139.9, "diastolic_mmhg": 80.0}) is None


@pytest.mark.parametrize(
    ("facts", "missing"),
    [({}, ("one", "two")), ({"one": "yes"}, ("two",)), ({"two": "not_applicable"}, ("one",))],
)
def test_a_rule_of_required_facts_alone_is_unresolved_by_what_is_missing(facts, missing):
    issue = only(rule_set(rule("asked", requires=["one", "two"], unknown="relative")), facts)
    assert issue is not None
    assert (issue.status, issue.tier, issue.caused_by) == ("unresolved", "relative", missing)


def test_a_rule_of_required_facts_alone_is_clear_when_all_are_there():
    assert only(rule_set(rule("asked", requires=["one", "two"])), {"one": "no", "two": "not_applicable"}) is None


def test_a_required_fact_matters_only_while_the_rule_has_not_fired():
    rules = rule_set(rule("reading", given='old == "yes"', bands=YES_BAND, requires=["height_cm"]))
    assert only(rules, {"old": "yes"}).status == "fired"
    assert only(rules, {"old": "no"}).status == "unresolved"
    assert only(rules, {"old": "no"}).caused_by == ("height_cm",)
    assert only(rules, {"old": "no", "height_cm": 170.0}) is None


def test_a_band_with_a_hold_is_listed_at_info_and_blocks_signing():
    rules = rule_set(rule("held", given='had == "yes"', bands=[{"tier": "info", "when": "true", "hold": True}]))
    issue = only(rules, {"had": "yes"})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold, issue.blocks_signing) == ("fired", "info", True, True)


# ── rules that speak for one another ───────────────────────────────────────────────────────────────────────────────

PART = rule("part", given='part == "yes"')
WHOLE = rule("whole", given='part == "yes" && other == "yes"', unknown={"covered_by": ["part"]})


@pytest.mark.parametrize("facts", [{"part": "yes"}, {"other": "yes"}, {}])
def test_an_unresolved_rule_is_covered_while_a_covering_rule_is_fired_or_unresolved(facts):
    assert set(listed(rule_set(PART, WHOLE), facts)) == {"part"}


def test_a_covered_rule_that_fires_is_listed_beside_the_covering_one():
    assert set(listed(rule_set(PART, WHOLE), {"part": "yes", "other": "yes"})) == {"part", "whole"}


def test_an_unresolved_rule_that_no_covering_rule_stands_for_is_held():
    whole = rule("whole", given='other == "yes"', unknown={"covered_by": ["part"]})
    issue = listed(rule_set(PART, whole), {"part": "no"})["whole"]
    assert (issue.status, issue.tier, issue.hold) == ("unresolved", "info", True)


GRAVE = rule("grave", given='grave == "yes"')
LESSER = rule(
    "lesser",
    given='lesser == "yes"',
    bands=[{"tier": "relative", "when": "true"}],
    unknown="ask",
    yields_to=["grave"],
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"grave": "yes", "lesser": "yes"}, {"grave": "fired"}),
        ({"grave": "yes"}, {"grave": "fired"}),
        ({"grave": "no", "lesser": "yes"}, {"lesser": "fired"}),
        ({"grave": "no"}, {"lesser": "unresolved"}),
        ({"lesser": "yes"}, {"grave": "unresolved", "lesser": "fired"}),
        ({}, {"grave": "unresolved"}),
        ({"lesser": "no"}, {"grave": "unresolved"}),
    ],
)
def test_a_rule_yields_to_a_fired_one_and_an_unresolved_rule_to_an_unresolved_one(facts, expected):
    assert {name: issue.status for name, issue in listed(rule_set(GRAVE, LESSER), facts).items()} == expected


def test_a_rule_does_not_yield_to_one_that_could_not_be_assessed():
    grave = rule("grave", given="grave > LOW_MMHG")
    lesser = rule("lesser", given='lesser == "yes"', yields_to=["grave"])
    found = listed(rule_set(grave, lesser), {"grave": "text", "lesser": "yes"})
    assert {name: issue.status for name, issue in found.items()} == {"grave": "error", "lesser": "fired"}


# ── what goes wrong ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("expression", ["had > LOW_MMHG", "LOW_MMHG", 'had == "yes" && LOW_MMHG'])
def test_a_type_error_is_a_flag_at_hold_and_never_a_pass(expression):
    issue = only(rule_set(rule("broken", given=expression)), {"had": "yes"})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("error", "absolute", True)
    assert issue.blocks_signing


def test_a_type_error_in_a_band_is_a_flag_too():
    bands = [{"tier": "relative", "when": "had > LOW_MMHG"}]
    issue = only(rule_set(rule("broken", given='had == "yes"', bands=bands)), {"had": "yes"})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("error", "relative", True)


def test_a_rule_that_breaks_leaves_the_others_alone(monkeypatch):
    evaluate = engine.evaluate_rule

    def broken(one, *args):
        if one.id == "first":
            raise MemoryError
        return evaluate(one, *args)

    monkeypatch.setattr(engine, "evaluate_rule", broken)
    rules = rule_set(rule("first", given='one == "yes"'), rule("second", given='two == "yes"'))
    found = listed(rules, {"one": "no", "two": "yes"})
    assert {name: issue.status for name, issue in found.items()} == {"first": "error", "second": "fired"}


def test_a_rule_that_can_not_be_explained_is_a_flag(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "smallest_cause", broken)
    issue = only(rule_set(rule("unexplained", given='one == "yes"')), {"one": "yes"})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("error", "absolute", True)


@pytest.mark.parametrize(("seconds", "status"), [(2.1, "error"), (1.9, None)])
def test_a_rule_slower_than_two_seconds_is_a_flag_even_where_it_is_clear(seconds, status):
    readings = iter(range(100))
    issue = only(rule_set(rule("slow", given='one == "yes"')), {"one": "no"}, clock=lambda: next(readings) * seconds)
    assert (issue.status if issue else None) == status


def test_an_error_in_a_rule_of_required_facts_is_listed_at_its_policy(monkeypatch):
    def broken(*_):
        raise ValueError

    monkeypatch.setattr(engine, "evaluate_rule", broken)
    issue = only(rule_set(rule("asked", requires=["one"], unknown="relative")), {"one": "no"})
    assert issue is not None
    assert (issue.status, issue.tier, issue.hold) == ("error", "relative", True)


# ── drafts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ATTEMPT = rule(
    "attempt",
    given='attempt_ever == "yes"',
    bands=[{"tier": "emergency", "when": "days_since <= LOW_MMHG"}, {"tier": "caution", "when": "true"}],
    unknown="emergency",
)


def on_draft(facts, saved=()):
    rules = rule_set(ATTEMPT, rule("grave", given='grave == "yes"'))
    return {issue.rule: issue for issue in assess_draft(rules, facts, saved=set(saved)).issues}


def test_a_draft_raises_an_emergency_that_is_certain():
    assert on_draft({"attempt_ever": "yes", "days_since": 3.0})["attempt"].tier == "emergency"


@pytest.mark.parametrize(
    "facts",
    [
        {"attempt_ever": "yes", "days_since": 7300.0},
        {"attempt_ever": "no"},
        {},
        {"grave": "yes"},
    ],
)
def test_a_draft_lists_nothing_but_fired_emergencies(facts):
    assert on_draft(facts, saved=["attempt_ever", "days_since", "grave"]) == {}


def test_a_draft_assumes_the_worst_only_once_the_page_that_would_settle_it_was_saved():
    assert on_draft({"attempt_ever": "yes"}, saved=["attempt_ever"]) == {}
    issue = on_draft({"attempt_ever": "yes"}, saved=["attempt_ever", "days_since"])["attempt"]
    assert (issue.tier, issue.worst_case_assumed, issue.settled_by) == ("emergency", True, ("days_since",))


def test_an_emergency_rule_that_breaks_raises_the_alarm_on_a_draft():
    assert on_draft({"attempt_ever": "yes", "days_since": "text"})["attempt"].status == "error"


# ── the result ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_flags_stand_most_severe_first_then_in_the_order_of_the_document():
    rules = rule_set(
        *(
            rule(f"{tier}-{number}", given='had == "yes"', bands=[{"tier": tier, "when": "true"}])
            for number in (1, 2)
            for tier in reversed(TIERS)
        )
    )
    found = [issue.rule for issue in assess(rules, {"had": "yes"}).issues]
    assert found == [f"{tier}-{number}" for tier in TIERS for number in (1, 2)]


def test_the_highest_tier_is_that_of_the_most_severe_flag_or_none():
    rules = graded()
    assert assess(rules, {"had": "yes", "bad": "no", "mild": "yes"}).highest_tier == "caution"
    assert assess(rules, {"had": "no"}).highest_tier == "none"


def test_same_facts_in_another_order_give_the_same_bytes():
    rules = rule_set(ATTEMPT, GRAVE, LESSER, PART, WHOLE)
    facts = {"attempt_ever": "yes", "grave": "no", "part": "yes", "other": "yes"}
    first = json.dumps(assess(rules, facts).to_json())
    again = json.dumps(assess(rule_set(ATTEMPT, GRAVE, LESSER, PART, WHOLE), dict(reversed(facts.items()))).to_json())
    assert first == again


def test_a_value_that_is_neither_text_nor_number_is_unknown():
    rules = rule_set(rule("open", given='had == "yes"'))
    assert only(rules, {"had": None}).status == "unresolved"
    assert only(rules, {"had": True}).status == "unresolved"
