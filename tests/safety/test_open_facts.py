"""Why a fact is not known, which facts an answer tells, and what is no fact at all."""

import datetime

import pytest

from intake.answers import AnswerDocument, State
from screening.facts import Measurement, facts_from_response
from screening.medicines import Lexicon
from tests.conftest import shipped_questionnaire
from tests.intake.test_scores import SCALES
from tests.screening.test_facts import NOW, TODAY, answer, facts

YESTERDAY_MORNING = NOW - datetime.timedelta(hours=25)
NO_LEXICON = Lexicon.from_tree({"classes": {}, "medicines": []}, file="medicines.yaml", problems=[])


@pytest.mark.parametrize(
    ("given", "fact", "state"),
    [
        (answer("emergency_symptoms_now", ["none"], at=YESTERDAY_MORNING), "chest_pain_now", "out_of_date"),
        (answer("emergency_symptoms_now", ["fainted_today"]), "chest_pain_now", "skipped"),
        (answer("aneurysm_or_avm", None, state=State.NOT_SURE), "aneurysm_or_avm", "not_sure"),
        (answer("aneurysm_or_avm", "perhaps"), "aneurysm_or_avm", "unrecognised_value"),
        (answer("weight", {"kg": "9"}), "weight_kg", "implausible"),
        (answer("phq9_1_little_interest", "not_at_all"), "phq9_total_score", "incomplete"),
        (answer("audit_1_how_often", None, state=State.PREFER_NOT_TO_SAY), "audit_c_positive", "incomplete"),
        (answer("medicines", None, state=State.NOT_SURE), "medicines_as_typed", "not_sure"),
    ],
)
def test_a_fact_that_is_not_known_says_why(given, fact, state):
    found = facts([given])
    assert (found.states[fact], fact in found.values) == (state, False)


def of_scales(*, measurements=()):
    return facts_from_response(
        SCALES,
        AnswerDocument(),
        lexicon=NO_LEXICON,
        now=NOW,
        today=TODAY,
        licensed_states=["ny"],
        measurements=measurements,
    )


@pytest.mark.parametrize("fact", ["age_years", "systolic_mmhg", "height_cm", "medicines_as_typed", "licensed_state"])
def test_what_a_questionnaire_does_not_ask_is_open_and_says_so(fact):
    found = of_scales()
    assert (found.states[fact], fact in found.values) == ("not_asked_here", False)


def test_staff_can_record_what_a_questionnaire_does_not_ask():
    assert of_scales(measurements=[Measurement("systolic_mmhg", 120.0, TODAY)]).values["systolic_mmhg"] == 120.0


def test_what_was_said_is_a_fact_only_where_it_is_clinical():
    found = facts(mental_health_conditions=["none"], conditions_wanted=["depression"], legal_given_name="Sam")
    assert found.values["mental_health_conditions"] == "no"
    assert {"conditions_wanted", "legal_given_name", "medicines"} & (found.values.keys() | found.states.keys()) == set()
    assert facts(mental_health_conditions=["depression"]).values["mental_health_conditions"] == "yes"


def test_the_way_to_say_no_is_no_fact_of_its_own():
    found = facts(emergency_symptoms_now=["none"])
    assert (found.values["chest_pain_now"], "none" in found.values, "none" in found.states) == ("no", False, False)


def test_what_an_answer_tells_as_it_stands_is_told_and_what_staff_say_instead_is_not():
    assert {"aneurysm_or_avm", "chest_pain_now", "mental_health_conditions"} <= facts(aneurysm_or_avm="yes").told
    given = facts(date_of_birth="1984-05-17", bp_reading_date="2026-11-20").told
    assert ("age_years" in given, "bp_reading_age_days" in given) == (True, False)
    measured = facts(measurements=[Measurement("aneurysm_or_avm", "yes", TODAY)])
    assert (measured.values["aneurysm_or_avm"], "aneurysm_or_avm" in measured.told) == ("yes", False)


def test_a_measurement_closes_what_was_open():
    assert "systolic_mmhg" in facts().states
    assert "systolic_mmhg" not in facts(measurements=[Measurement("systolic_mmhg", 120.0, TODAY)]).states


@pytest.mark.parametrize(("systolic", "known"), [(39.0, False), (300.0, True), (120.0, True)])
def test_a_reading_by_staff_that_is_too_low_is_open_and_one_that_is_too_high_counts(systolic, known):
    found = facts(measurements=[Measurement("systolic_mmhg", systolic, TODAY)])
    assert ("systolic_mmhg" in found.values, found.states.get("systolic_mmhg")) == (
        known,
        None if known else "implausible",
    )


@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_the_ends_of_a_plausible_range_belong_to_it(end):
    centimetres = getattr(shipped_questionnaire().questions["height"].ranges["value"], end)
    assert facts(height={"cm": f"{centimetres:g}"}).values["height_cm"] == centimetres


# ── a question that is asked a second time ─────────────────────────────────────────────────────────────────────────

FIRST, SECOND = "suicidal_thoughts_right_now", "suicidal_thoughts_right_now_again"


def twice(first, second, *, asked_first="yes", asked_again="several_days"):
    given = {FIRST: first, SECOND: second}
    replies = [
        answer(link_id, None, state=State.NOT_SURE) if value == "not_sure" else answer(link_id, value)
        for link_id, value in given.items()
        if value
    ]
    asq = dict.fromkeys(
        [
            "wished_dead_past_few_weeks",
            "felt_others_better_off_past_few_weeks",
            "thoughts_of_killing_self_past_week",
            "suicide_attempt_ever",
        ],
        asked_first,
    )
    found = facts(replies, phq9_9_better_off_dead=asked_again, **asq)
    return found.values.get(FIRST), found.states.get(FIRST), FIRST in found.told


@pytest.mark.parametrize(
    ("first", "second", "value", "state", "told"),
    [
        ("no", "no", "no", None, False),
        ("no", "yes", "yes", None, False),
        ("yes", "no", "yes", None, True),
        ("no", "not_sure", None, "not_sure", False),
        ("not_sure", "yes", "yes", None, False),
        ("not_sure", "no", None, "not_sure", False),
        ("no", "perhaps", None, "unrecognised_value", False),
        ("no", None, None, "skipped", False),
    ],
)
def test_a_yes_to_either_asking_counts_and_a_no_only_to_both(first, second, value, state, told):
    assert twice(first, second) == (value, state, told)


def test_an_asking_that_is_left_out_says_nothing():
    assert twice("no", None, asked_again="not_at_all") == ("no", None, True)
    assert twice(None, "yes", asked_first="no") == ("yes", None, False)
    assert twice(None, "no", asked_first="no") == ("not_applicable", None, False)


# ── numbers, dates that are still to come, screens ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pulse", "value", "state"),
    [("72", 72.0, None), ("30", 30.0, None), ("29", None, "implausible"), (None, None, "skipped")],
)
def test_a_number_counts_from_the_least_that_is_plausible(pulse, value, state):
    found = facts(**({"pulse_per_minute": pulse} if pulse else {}))
    assert (found.values.get("pulse_per_minute"), found.states.get("pulse_per_minute")) == (value, state)


def test_a_reading_that_is_still_to_come_has_no_age_and_another_such_date_means_today():
    found = facts(bp_reading_date="2026-11-30")
    assert (found.values.get("bp_reading_age_days"), found.states["bp_reading_age_days"]) == (None, "implausible")
    found = facts(heart_attack_or_stroke_ever="yes", last_heart_attack_or_stroke_date="2026-11-30")
    assert found.values["days_since_heart_attack_or_stroke"] == 0.0


def test_a_date_longer_ago_than_a_life_is_open():
    found = facts(heart_attack_or_stroke_ever="yes", last_heart_attack_or_stroke_date="1700-01-01")
    assert found.states["days_since_heart_attack_or_stroke"] == "unrecognised_value"


@pytest.mark.parametrize(("often", "positive"), [("4_or_more_times_a_week", "yes"), ("monthly_or_less", "no")])
def test_a_screen_is_a_yes_or_a_no(often, positive):
    found = facts(
        sex_recorded="female", audit_1_how_often=often, audit_2_typical_day="1_or_2", audit_3_six_or_more="never"
    )
    assert found.values["audit_c_positive"] == positive
