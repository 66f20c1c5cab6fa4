"""From answers to facts: dates, measures, measurements by staff, and what stays unknown."""

import datetime
import math

import pytest

from intake.answers import Answer, AnswerDocument, State
from screening.fact_files import FactError, facts_from_file
from screening.facts import Measurement, count_since, facts_from_response, latest_day
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, known

NOW = datetime.datetime(2026, 11, 23, 17, 0, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 11, 23)
AN_HOUR_AGO = NOW - datetime.timedelta(hours=1)


def answer(link_id, value, *, state=State.ANSWERED, at=AN_HOUR_AGO):
    return Answer(link_id, state, value, "question", "shown", "en", "self", at.isoformat(), 1)


def facts(answers=(), *, today=TODAY, readings_on=None, measurements=(), states=("ny",), **values):
    document = AnswerDocument()
    for one in [*answers, *(answer(link_id, value) for link_id, value in values.items())]:
        document.put(one)
    return facts_from_response(
        shipped_questionnaire(),
        document,
        lexicon=shipped_rule_set().lexicon,
        now=NOW,
        today=today,
        licensed_states=states,
        measurements=measurements,
        readings_on=readings_on,
    )


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("partial", "latest"),
    [
        ("2019", "2019-12-31"),
        ("2019-03", "2019-03-31"),
        ("2019-12", "2019-12-31"),
        ("2020-02", "2020-02-29"),
        ("2019-02", "2019-02-28"),
        ("2019-03-05", "2019-03-05"),
        ("2026", "2026-11-23"),
        ("2026-11", "2026-11-23"),
        ("2026-11-23", "2026-11-23"),
        ("2027-01-01", "2026-11-23"),
        ("2019-02-30", None),
        ("2019-13", None),
        ("sometime", None),
        ("", None),
    ],
)
def test_a_partial_date_counts_from_its_most_recent_end(partial, latest):
    assert latest_day(partial, TODAY) == (latest and datetime.date.fromisoformat(latest))


@pytest.mark.parametrize(
    ("date", "days"), [("2026-11-22", 1.0), ("2026-10", 23.0), ("2026", 0.0), ("2025", 327.0), ("2016-11-23", 3652.0)]
)
def test_days_since_an_attempt_are_counted_to_the_clinics_date(date, days):
    found = facts(suicide_attempt_ever="yes", last_suicide_attempt_date=date)
    assert found.values["days_since_last_suicide_attempt"] == days


@pytest.mark.parametrize(
    ("date", "months"),
    [("2025-11-23", 12.0), ("2025-11-24", 11.0), ("2025-11", 11.0), ("2025-10", 12.0), ("2025", 10.0)],
)
def test_months_since_psychosis_are_whole_months(date, months):
    found = facts(psychosis_ever_diagnosed="yes", last_psychosis_date=date)
    assert found.values["months_since_last_psychosis"] == months


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("2008-11-23", "2026-11-22", 17.0),
        ("2008-11-23", "2026-11-23", 18.0),
        ("2008-11-24", "2026-11-23", 17.0),
        ("1961-11-23", "2026-11-23", 65.0),
        ("2008-02-29", "2026-02-28", 17.0),
        ("2008-02-29", "2026-03-01", 18.0),
        ("2004-02-29", "2024-02-28", 19.0),
        ("2004-02-29", "2024-02-29", 20.0),
    ],
)
def test_a_year_of_age_is_full_on_the_birthday(born, today, age):
    day = datetime.date.fromisoformat(today)
    assert facts(date_of_birth=born, today=day).values["age_years"] == age


def test_whole_units_are_counted_from_day_to_day():
    first = datetime.date(2026, 1, 31)
    assert count_since(first, datetime.date(2026, 2, 28), "months") == 0.0
    assert count_since(first, datetime.date(2026, 3, 31), "months") == 2.0
    assert count_since(first, datetime.date(2026, 2, 28), "days") == 28.0


def test_a_date_behind_a_gate_that_is_no_is_unbound():
    found = facts(suicide_attempt_ever="no", last_suicide_attempt_date="2026-11-01")
    assert "days_since_last_suicide_attempt" not in found.values
    assert found.states["days_since_last_suicide_attempt"] == "not_applicable"


def test_a_date_that_is_not_known_is_unbound_and_says_why():
    found = facts([answer("last_suicide_attempt_date", None, state=State.NOT_SURE)], suicide_attempt_ever="yes")
    assert "days_since_last_suicide_attempt" not in found.values
    assert found.states["days_since_last_suicide_attempt"] == "not_sure"


# ── choices ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [State.NOT_SURE, State.PREFER_NOT_TO_SAY, State.SKIPPED, State.UNPARSEABLE])
def test_a_question_without_an_answer_is_unbound_and_says_why(state):
    found = facts([answer("aneurysm_or_avm", None, state=state)])
    assert "aneurysm_or_avm" not in found.values
    assert found.states["aneurysm_or_avm"] == state.value


def test_a_question_that_was_never_reached_is_skipped():
    assert facts().states["aneurysm_or_avm"] == "skipped"


@pytest.mark.parametrize("value", ["Yes", "maybe", True, 1, "", ["yes"]])
def test_only_a_declared_option_code_is_bound(value):
    found = facts(aneurysm_or_avm=value)
    assert "aneurysm_or_avm" not in found.values
    assert found.states["aneurysm_or_avm"] == "unrecognised_value"


def test_a_follow_up_behind_a_definite_no_does_not_apply_whatever_it_said_before():
    found = facts(psychosis_ever_diagnosed="no", psychosis_only_with_substances="yes")
    assert found.values["psychosis_only_with_substances"] == "not_applicable"


def test_a_follow_up_behind_an_unsure_gate_counts_as_answered_or_stays_unknown():
    unsure = answer("psychosis_ever_diagnosed", None, state=State.NOT_SURE)
    found = facts([unsure], psychosis_only_with_substances="yes")
    assert found.values["psychosis_only_with_substances"] == "yes"
    assert facts([unsure]).states["psychosis_only_with_substances"] == "skipped"


@pytest.mark.parametrize(
    ("ticked", "chest_pain", "fainted"),
    [(["none"], "no", "no"), (["chest_pain_now"], "yes", None), (["chest_pain_now", "fainted_today"], "yes", "yes")],
)
def test_only_none_of_these_says_no_to_the_other_options(ticked, chest_pain, fainted):
    found = facts(emergency_symptoms_now=ticked).values
    assert (found.get("chest_pain_now"), found.get("fainted_today")) == (chest_pain, fainted)


def test_an_answer_about_right_now_that_is_older_than_a_day_is_unknown():
    yesterday = NOW - datetime.timedelta(hours=24, seconds=1)
    found = facts([answer("thinking_of_hurting_someone_now", "no", at=yesterday)])
    assert "thinking_of_hurting_someone_now" not in found.values
    recent = facts([answer("thinking_of_hurting_someone_now", "no", at=NOW - datetime.timedelta(hours=23))])
    assert recent.values["thinking_of_hurting_someone_now"] == "no"


# ── measures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_body_mass_index_is_not_rounded():
    found = facts(height={"cm": "170"}, weight={"kg": "101.1"}).values
    assert found["bmi_kg_m2"] == pytest.approx(101.1 / 1.7**2, rel=1e-12)
    assert found["bmi_kg_m2"] < 35


def test_both_unit_systems_give_the_same_measures():
    found = facts(height={"feet": "5", "inches": "10"}, weight={"pounds": "150"}).values
    assert found["height_cm"] == pytest.approx(177.8)
    assert found["weight_kg"] == pytest.approx(68.0388555)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "bound"),
    [
        ("69", "60", {"diastolic_mmhg": 60.0}),
        ("70", "40", {"systolic_mmhg": 70.0, "diastolic_mmhg": 40.0}),
        ("120", "39", {"systolic_mmhg": 120.0}),
        ("260", "150", {"systolic_mmhg": 260.0, "diastolic_mmhg": 150.0}),
        ("300", "180", {"systolic_mmhg": 300.0, "diastolic_mmhg": 180.0}),
    ],
)
def test_a_reading_below_its_range_is_unknown_and_one_above_still_counts(systolic, diastolic, bound):
    found = facts(blood_pressure={"systolic": systolic, "diastolic": diastolic})
    pressures = ("systolic_mmhg", "diastolic_mmhg")
    assert {name: value for name, value in found.values.items() if name in pressures} == bound
    assert {found.states[name] for name in pressures if name not in bound} <= {"implausible"}


def test_a_height_out_of_range_gives_no_body_mass_index():
    for height in ("12", "1700"):
        assert "bmi_kg_m2" not in facts(height={"cm": height}, weight={"kg": "150"}).values


# ── medicines ──────────────────────────────────────────────────────────────────────────────────────────────────────


def row(name, dose=""):
    return {"name": name, "dose": dose, "often": "", "for": ""}


def test_no_medicines_is_a_no_to_every_class():
    found = facts(medicines={"none": True, "rows": []}).values
    assert {
        value for name, value in found.items() if name.startswith("takes_") and name != "takes_no_medicines_confirmed"
    } == {"no"}
    assert found["medicine_unrecognized"] == "no"


def test_a_line_that_nobody_knows_leaves_every_class_open_that_no_line_names():
    found = facts(medicines={"none": False, "rows": [row("Nardil", "15 mg"), row("zzqx")]}).values
    assert (found["takes_maoi"], found.get("takes_xanthine"), found["medicine_unrecognized"]) == ("yes", None, "yes")


def test_a_list_that_was_not_answered_leaves_every_class_open():
    found = facts([answer("medicines", None, state=State.PREFER_NOT_TO_SAY)])
    assert not any(name.startswith("takes_") for name in found.values)
    assert "medicine_unrecognized" not in found.values
    assert found.states["medicines_as_typed"] == "prefer_not_to_say"


# ── what staff measured, and where the clinic is ───────────────────────────────────────────────────────────────────


def test_what_staff_measured_stands_over_the_answer():
    day = datetime.date(2026, 11, 20)
    found = facts(
        measurements=[Measurement("systolic_mmhg", 165.0, day), Measurement("diastolic_mmhg", 95.0, day)],
        blood_pressure={"systolic": "118", "diastolic": "76"},
        bp_reading_date="2026-11-01",
    ).values
    assert (found["systolic_mmhg"], found["diastolic_mmhg"], found["bp_reading_age_days"]) == (165.0, 95.0, 3.0)


def test_of_several_measurements_the_newest_stands_whatever_order_they_come_in():
    days = [datetime.date(2026, 11, day) for day in (22, 10)]
    found = facts(measurements=[Measurement("systolic_mmhg", 120.0 + day.day, day) for day in days]).values
    assert (found["systolic_mmhg"], found["bp_reading_age_days"]) == (142.0, 1.0)


def test_a_measured_height_gives_the_body_mass_index():
    found = facts(measurements=[Measurement("height_cm", 160.0, TODAY)], height={"cm": "200"}, weight={"kg": "80"})
    assert found.values["bmi_kg_m2"] == pytest.approx(31.25)


def test_a_measurement_below_the_plausible_range_is_unknown_too():
    found = facts(
        measurements=[Measurement("systolic_mmhg", 65.0, TODAY), Measurement("diastolic_mmhg", 50.0, TODAY)],
        blood_pressure={"systolic": "118", "diastolic": "76"},
    )
    assert "systolic_mmhg" not in found.values
    assert found.states["systolic_mmhg"] == "implausible"


def test_a_reading_grows_old_while_everything_else_stays_as_of_submission():
    later = TODAY + datetime.timedelta(days=40)
    found = facts(readings_on=later, bp_reading_date="2026-11-20", date_of_birth="1961-12-01").values
    assert (found["bp_reading_age_days"], found["age_years"]) == (43.0, 64.0)


@pytest.mark.parametrize(("state", "licensed"), [("ny", "yes"), ("ca", "no"), (None, None)])
def test_the_state_the_person_is_in_is_licensed_or_not_or_not_known(state, licensed):
    answers = [answer("state_now", state)] if state else []
    assert facts(answers).values.get("licensed_state") == licensed


@pytest.mark.parametrize(
    ("name", "phone", "given"),
    [("Pat", {"e164": "+12125550199"}, "yes"), ("Pat", None, "no"), (None, {"e164": "+12125550199"}, "no")],
)
def test_an_emergency_contact_is_a_name_and_a_phone(name, phone, given):
    answers = {"emergency_contact_name": name, "emergency_contact_phone": phone}
    found = facts([answer(link_id, value) for link_id, value in answers.items() if value])
    assert found.values["emergency_contact_given"] == given


def test_consents_are_complete_only_when_every_required_one_is_signed():
    required = [item.link_id for item in shipped_questionnaire().questions.values() if item.consent]
    signed = {link_id: {"decision": "signed", "name": "Sam Sample"} for link_id in required}
    assert facts(**signed).values["consents_complete"] == "yes"
    for missing in required:
        others = {link_id: value for link_id, value in signed.items() if link_id != missing}
        assert facts(**others).values["consents_complete"] == "no"
        declined = {**signed, missing: {"decision": "declined", "name": ""}}
        assert facts(**declined).values["consents_complete"] == "no"


# ── fact files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read(**values):
    return facts_from_file(values, known())


def test_every_name_of_the_vocabulary_is_accepted():
    names = [
        *NOTHING_TO_FLAG,
        "audit_total_score",
        "phq9_item9_score",
        "gad7_total_score",
        "daily_grapefruit",
        "sleep_apnea",
    ]
    assert read(**dict.fromkeys(names, "skipped")).values == {}


def test_an_unknown_name_is_refused():
    with pytest.raises(FactError, match="unknown fact name: aneurism"):
        read(aneurism="yes")


@pytest.mark.parametrize("state", ["not_sure", "prefer_not_to_say", "skipped"])
def test_the_three_ways_not_to_know_are_kept_apart_and_bind_nothing(state):
    for name in ("aneurysm_or_avm", "systolic_mmhg", "medicines_as_typed"):
        assert read(**{name: state}).values == {}
        assert read(**{name: state}).states == {name: state}


def test_not_applicable_is_an_answer_to_a_choice_and_unbound_for_numbers_and_lists():
    found = read(
        psychosis_only_with_substances="not_applicable",
        systolic_mmhg="not_applicable",
        medicines_as_typed="not_applicable",
    )
    assert found.values == {"psychosis_only_with_substances": "not_applicable"}


def test_never_is_infinitely_long_ago_and_nothing_else():
    assert read(days_since_last_suicide_attempt="never").values == {"days_since_last_suicide_attempt": math.inf}
    assert read(systolic_mmhg="never").values == {}


def test_zero_is_a_number_and_whole_numbers_are_bound_as_doubles():
    found = read(bp_reading_age_days=0, systolic_mmhg=180).values
    assert found == {"bp_reading_age_days": 0.0, "systolic_mmhg": 180.0}
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize("wrong", ["Yes", "yes ", True, "maybe", None, float("nan"), float("inf"), 10**400, {}, []])
def test_what_is_no_declared_value_is_unbound_and_reported(wrong):
    for name in ("aneurysm_or_avm", "systolic_mmhg"):
        assert read(**{name: wrong}).values == {}
        assert read(**{name: wrong}).states == {name: "unrecognised_value"}


@pytest.mark.parametrize("entry", [None, 3, "aneurysm_or_avm", ["aneurysm_or_avm"]])
def test_a_person_must_be_an_object(entry):
    with pytest.raises(FactError):
        facts_from_file(entry, known())


def test_a_class_is_derived_from_a_fact_file_too():
    assert bound_facts({"medicines_as_typed": ["Nardil"]})["takes_maoi"] == "yes"
    assert bound_facts({"height_cm": 200, "weight_kg": 80})["bmi_kg_m2"] == pytest.approx(20.0)
