"""Whatever breaks in the engine, the facts or the content: the submission is kept, and the case is never a clean one."""

from unittest import mock

import pytest

from clinic_site.messaging.models import OutboxMessage
from intake.answers import State
from screening import assessments, engine, published
from screening.engine import Result
from screening.facts import Facts
from screening.models import Case
from screening.second_check import MANUAL_REVIEW
from tests.conftest import shipped_rule_set
from tests.screening.cases import submitted_case

pytestmark = pytest.mark.django_db
NOTHING_LISTED = Result(("id", "version", "0" * 64), ())


@pytest.fixture
def submitted(published, clinic):
    """`submitted(**answers)`: the flags of a person with these answers, by rule."""

    def submit(**answers):
        case = submitted_case(clinic, **answers)
        return {issue.rule_id: issue for issue in case.issues.all()}

    return submit


def alerts():
    return OutboxMessage.objects.filter(purpose="assessment-error").count()


def test_a_person_with_nothing_to_declare_needs_no_second_look(submitted):
    assert set(submitted()) == {"identity.unverified"}
    assert alerts() == 0


# What a person says, and the fact that an engine which lists nothing must not get away with.
SAID = {
    "aneurysm_or_avm": "yes",
    "psychosis_symptoms_past_month": State.NOT_SURE,
    "ketamine_allergy": State.SKIPPED,
    "adult_escort_available": "no",
    "feels_safe_at_home": State.PREFER_NOT_TO_SAY,
    "medicines": {"none": False, "rows": [{"name": "Nardil", "dose": "15 mg", "frequency": "", "reason": ""}]},
    "emergency_symptoms_now": ["chest_pain_now"],
    "eyes_and_glands": ["glaucoma_controlled", "none"],
    "phq9_9_better_off_dead": State.SKIPPED,
    "blood_pressure": State.NOT_SURE,
}


@pytest.mark.parametrize("link_id", SAID)
def test_an_engine_that_lists_nothing_is_caught_by_the_second_check(submitted, link_id):
    with mock.patch.object(assessments, "assess", return_value=NOTHING_LISTED):
        flags = submitted(**{link_id: SAID[link_id]})
    assert set(flags) == {MANUAL_REVIEW}
    assert (flags[MANUAL_REVIEW].status, flags[MANUAL_REVIEW].hold) == ("error", True)
    assert alerts() == 1


def test_facts_that_lie_are_caught_by_the_second_check(submitted):
    honest = assessments.facts_from_response

    def all_no(*args, **kwargs):
        facts = honest(*args, **kwargs)
        return Facts({**facts.values, "aneurysm_or_avm": "no"}, facts.states, facts.lists)

    with mock.patch.object(assessments, "facts_from_response", all_no):
        flags = submitted(aneurysm_or_avm="yes")
    assert "cardiovascular.aneurysm-avm" not in flags
    assert flags[MANUAL_REVIEW].caused_by == ["aneurysm_or_avm"]


def test_facts_that_are_lost_leave_every_rule_open(submitted):
    with mock.patch.object(assessments, "facts_from_response", return_value=Facts()):
        flags = submitted()
    assert flags["psychosis.current"].hold
    assert flags["cardiovascular.aneurysm-avm"].hold


@pytest.mark.parametrize("rule_id", sorted(shipped_rule_set().by_id))
def test_a_rule_that_fails_is_a_flag_at_its_worst_tier_and_the_others_run(rule_id):
    rules = shipped_rule_set()
    honest = engine.evaluate_rule

    def broken(rule, context, facts):
        if rule.id == rule_id:
            raise RuntimeError("broken")
        return honest(rule, context, facts)

    with mock.patch.object(engine, "evaluate_rule", broken):
        listed = {issue.rule: issue for issue in engine.assess(rules, {}).issues}
    assert (listed[rule_id].status, listed[rule_id].hold) == ("error", True)
    assert len(listed) > 10


def test_rules_that_take_too_long_are_flags(submitted):
    with mock.patch.object(engine, "TIME_LIMIT_SECONDS", -1.0):
        flags = submitted()
    assert {flag.status for flag in flags.values()} == {"error"}
    assert set(flags) == set(shipped_rule_set().by_id)
    assert alerts() == 1


def test_a_rule_set_that_is_not_what_was_published_is_not_run(submitted):
    published.rule_set_version.cache_clear()
    with mock.patch("screening.rules.content_hash", return_value="0" * 64):
        flags = submitted()
    published.rule_set_version.cache_clear()
    assert set(flags) == {"assessment.failed"}
    assert alerts() == 1
    assert Case.objects.get().severity == 4
