"""A rule of which it is not known whether it applies, or that fails, is a flag: never a pass, and never the end of a run."""

import pytest

from intake.truth import Truth
from screening import engine
from screening.engine import Status, bind, evaluate, evaluate_rule
from tests.safety.generated import RULES, budget, facts_for, leave_unexplained, listed, stand_ins
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, known

FAILURES = [
    KeyError("x"),
    TypeError(),
    ValueError(),
    MemoryError(),
    RecursionError(),
    OverflowError(),
    RuntimeError("panic"),
]


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_rule_that_may_apply_is_unresolved_or_fired(rule, monkeypatch):
    leave_unexplained(monkeypatch)
    for facts in facts_for(rule, budget(100, 20_000)):
        context = bind(RULES, facts)
        status = evaluate_rule(rule, context, facts).status
        given = evaluate(rule.given, context) if rule.given else Truth.TRUE
        bands = {evaluate(band.when, context) for band in rule.bands}
        if given is Truth.UNKNOWN and bands - {Truth.FALSE}:
            assert status is Status.UNRESOLVED, facts
        if given is Truth.TRUE and bands - {Truth.FALSE}:
            assert status is Status.FIRED, facts
        if status is not Status.CLEAR:
            issues = listed(facts)
            assert rule.id in issues or stand_ins(rule.id, issues, facts), facts


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_whatever_rule_fails_is_listed_as_an_error_at_its_worst_and_the_run_goes_on(failure, monkeypatch):
    facts = bound_facts({**NOTHING_TO_FLAG, "identity_verified": "no", "brain_bleed_ever": "yes"})
    before = listed(facts)
    for rule in RULES.rules:
        if not rule.expressions:
            continue

        def broken(expression, context, failing=rule.expressions):
            if expression in failing:
                raise failure
            return evaluate(expression, context)

        with monkeypatch.context() as patch:
            patch.setattr(engine, "evaluate", broken)
            issues = listed(facts)
        issue = issues.pop(rule.id)
        assert (issue.status, issue.hold, issue.blocks_signing) == ("error", True, True)
        assert issue.tier == (rule.bands[0].tier if rule.bands else "info")
        # What was listed of the others is listed still, and nothing else but what it had hidden or covered.
        assert {name: i for name, i in before.items() if name != rule.id}.items() <= issues.items()


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_fact_of_the_wrong_type_that_reaches_a_rule_is_open_or_an_error(rule):
    for name in rule.reads(RULES.constants):
        if any(name in expression.variables for expression in rule.expressions):
            known_of = bound_facts(NOTHING_TO_FLAG)
            unknown = listed({n: v for n, v in known_of.items() if n != name})
            # A text that is no code is kept out before; what reaches a rule is compared with numbers only here.
            for wrong in (True, None, [], {}, 7, b"yes", *(["Yes"] if name in known().numbers else [])):
                issues = listed({**known_of, name: wrong})
                failed = any(issue.status == "error" for issue in issues.values())
                assert failed or set(unknown) <= set(issues), (name, wrong)
