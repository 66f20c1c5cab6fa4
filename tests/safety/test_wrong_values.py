"""A value of the wrong type, spelling, unit or size is unknown or refused. It never clears anybody."""

import json
from random import Random

import pytest
from django.core.management import call_command

from intake.answers import State
from screening.fact_files import FactError, facts_from_file
from screening.rules import severity
from tests.safety.generated import (
    FULL,
    QUESTIONNAIRE,
    an_answer,
    budget,
    document_of,
    facts_of,
    leave_out,
    leave_unexplained,
    listed,
    random_document,
)
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, known

HUGE = [1e300, 10**400, 1e9]
WRONG = [True, False, None, [], {}, [True], {"yes": 1}, float("nan"), float("inf"), float("-inf"), -1, -0.5]
MISSPELLED = [
    "Yes",
    "YES",
    " yes",
    "yes ",
    "No",
    " no",
    "NO",
    "n0",
    "ｎｏ",
    "no\u200b",
    "maybe",
    "",
    "true",
    "1==1",
    '"no"',
    "no || true",
]
NOT_NUMBERS = ["120", " 120", "1e2", "NaN", "Infinity", "Never", " never", "1==1", "١٢٠", "0x10", "about 120", ""]
NOT_LISTS = ["none", "", {}, [1], [None], [["metformin"]], 5, None, True, "metformin"]


@pytest.fixture(autouse=True)
def _unexplained(monkeypatch):
    leave_unexplained(monkeypatch)


# ── fact files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def wrong_values_of(fact):
    if fact in known().lists:
        return NOT_LISTS
    numbers = [0, 1, 1.0, 7, 10**400]
    return [*WRONG, *MISSPELLED, *numbers] if fact in known().choices else [*WRONG, *NOT_NUMBERS, *HUGE]


@pytest.mark.parametrize("fact", sorted(known().names))
def test_a_wrong_value_of_a_fact_is_as_unknown_as_none(fact):
    # With a list that is none, "I take none" would be a second statement that contradicts it.
    base = {**NOTHING_TO_FLAG, **({"takes_no_medicines_confirmed": "skipped"} if fact in known().lists else {})}
    unknown = listed(bound_facts({**base, fact: "not_sure"}))
    for wrong in wrong_values_of(fact):
        assert listed(bound_facts({**base, fact: wrong})) == unknown, wrong


@pytest.mark.parametrize(
    ("fact", "rule"),
    [
        ("takes_maoi", "medication.maoi"),
        ("bmi_kg_m2", "body.bmi"),
        ("medicine_unrecognized", "medication.unrecognized"),
        ("cssrs_highest_ideation_past_month", "safety.suicide-intent-now"),
        ("cssrs_recorded", "safety.suicide-intent-now"),
        ("alt_or_ast_times_upper_limit", "hepatic.impairment"),
        ("liver_tests_recorded", "hepatic.impairment"),
    ],
)
def test_a_wrong_value_of_what_could_be_derived_is_not_derived_instead(fact, rule):
    for wrong in ["not_sure", "prefer_not_to_say", "skipped", *wrong_values_of(fact)]:
        assert rule in listed(bound_facts({**NOTHING_TO_FLAG, fact: wrong})), wrong


def test_what_staff_are_said_to_have_recorded_is_open_without_its_number():
    assert "safety.suicide-intent-now" in listed(bound_facts({**NOTHING_TO_FLAG, "cssrs_recorded": "yes"}))
    assert "hepatic.impairment" in listed(bound_facts({**NOTHING_TO_FLAG, "liver_tests_recorded": "yes"}))


def test_wrong_values_anywhere_in_a_file_list_what_unknown_ones_list():
    for number in range(budget(60, 20_000)):
        seed = f"wrong values {number}"
        chance = Random(seed)
        names = chance.sample(sorted(NOTHING_TO_FLAG), 8)
        wrong = {name: chance.choice(wrong_values_of(name)) for name in names}
        unknown = dict.fromkeys(names, "skipped")
        assert listed(bound_facts({**NOTHING_TO_FLAG, **wrong})) == listed(
            bound_facts({**NOTHING_TO_FLAG, **unknown})
        ), (seed, wrong)


@pytest.mark.parametrize(
    "name",
    [
        "1==1",
        "true || aneurysm_or_avm",
        "__import__('os')",
        "Pregnant",
        " pregnant",
        "pregnant\n",
        "ADULT_AGE_YEARS",
        "",
    ],
)
def test_a_name_that_is_an_expression_or_misspelled_is_refused(name):
    with pytest.raises(FactError, match="unknown fact name"):
        facts_from_file({**NOTHING_TO_FLAG, name: "no"}, known())


def test_wrong_values_written_as_json_list_what_unknown_ones_list(tmp_path, capsys):
    facts = sorted(set(NOTHING_TO_FLAG) - known().lists)[:: budget(5, 1)]
    texts = ["true", "null", "[]", "{}", "NaN", "Infinity", "-Infinity", "1e400", "-1", '"YES"', '" no"', '"not_sure"']
    people = [
        "{" + ", ".join(f'"{n}": {text if n == fact else json.dumps(v)}' for n, v in NOTHING_TO_FLAG.items()) + "}"
        for fact in facts
        for text in texts
    ]
    path = tmp_path / "facts.json"
    path.write_text(f"[{', '.join(people)}]")
    call_command("screen", facts=str(path))
    results = json.loads(capsys.readouterr().out)
    for number, fact in enumerate(facts):
        *wrong, unknown = results[number * len(texts) : (number + 1) * len(texts)]
        assert {json.dumps(result["issues"]) for result in wrong} == {json.dumps(unknown["issues"])}, fact
        assert {result["not_known"].get(fact) for result in wrong} == {"unrecognised_value"}, fact


def no_safer(issues, unknown):
    """Whether everything that is listed for unknown values is listed, as severe and with as much of a hold."""
    return all(
        name in issues
        and severity(issues[name].tier) >= severity(issue.tier)
        and (issues[name].blocks_signing or not issue.blocks_signing)
        for name, issue in unknown.items()
    )


# ── answers as they are stored ─────────────────────────────────────────────────────────────────────────────────────

RAW = [
    True,
    False,
    0,
    1,
    1.0,
    10**400,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    [None],
    {"none": 1},
    None,
    *MISSPELLED,
    *NOT_NUMBERS,
]
RAW_OF_TYPE = {
    "multiple_choice": ["none", {"none": True}, ["None"], ["none", "None"], [True]],
    "date": [
        "2026-13-01",
        "2026-02-30",
        "26-11-20",
        "2026/11/20",
        "2026-11-20T10:00",
        "2026-11-20-1",
        "+2026-11-20",
        "２０２６-11-20",
        "1-1-1",
        "0001-01-01",
    ],
    "medicines": [
        {"none": True},
        {"rows": []},
        {"none": "false", "rows": []},
        {"none": 1, "rows": []},
        {"none": True, "rows": None},
        {"none": False, "rows": [{"name": 5, "dose": ""}]},
        {"none": False, "rows": [{"name": None, "dose": None}]},
        {"none": False, "rows": [{}]},
        {"none": False, "rows": ["metformin"]},
        {"none": True, "rows": {"name": "metformin"}},
    ],
    "height": [
        {"cm": 170},
        {"cm": "NaN"},
        {"cm": "sNaN"},
        {"cm": "1e400"},
        {"cm": None},
        {"inches": "5"},
        {"feet": "five"},
        {"cm": "-170"},
    ],
    "weight": [
        {"kg": 70},
        {"kg": "NaN"},
        {"kg": "sNaN"},
        {"kg": "-70"},
        {"kg": None},
        {"stone": "11"},
        {"pounds": ["160"]},
    ],
    "blood_pressure": [
        {"systolic": 120, "diastolic": 80},
        {"systolic": "NaN", "diastolic": "80"},
        {"systolic": "120", "diastolic": "sNaN"},
        {"systolic": "120"},
        {"systolic": "high", "diastolic": "low"},
        {"systolic": "-120", "diastolic": "-80"},
    ],
    "signature": ["signed", {"decision": "Signed"}, {"decision": True}, ["signed"], {"name": "Sam"}],
    "phone": [{"e164": ""}, {"typed": None}],
}
RAW_OF_TYPE["partial_date"] = RAW_OF_TYPE["date"]
# What these hold is for staff to read, not for rules.
FREE_TEXT = ("short_text", "long_text", "email", "address")


def raw_values_of(item):
    values = [*RAW, *RAW_OF_TYPE.get(item.type, [])]
    # A text as such is right in a text, and digits are right in a number.
    right = str if item.type in FREE_TEXT else None
    number = ("120", " 120", "1e2", "NaN", "Infinity") if item.type == "number" else ()
    return [v for v in values if not (right and isinstance(v, right)) and v not in number]


@pytest.mark.parametrize("link_id", list(QUESTIONNAIRE.questions))
def test_a_wrong_value_of_an_answer_is_no_safer_than_none(link_id):
    document = document_of({})
    item = QUESTIONNAIRE.questions[link_id]
    # A follow-up is only asked, and only read, with what makes us ask it.
    for condition in item.enable_when if not item.items else ():
        gate = QUESTIONNAIRE.questions.get(condition.question)
        if gate is not None and condition.operator == "=":
            value = [condition.answer] if gate.type == "multiple_choice" else condition.answer
            document.put(an_answer(gate.link_id, value))
    leave_out(document, link_id, State.SKIPPED)
    unknown = listed(facts_of(document).values)
    values = raw_values_of(item)
    for wrong in values if FULL else Random(link_id).sample(values, min(len(values), 20)):
        document.put(an_answer(link_id, wrong))
        issues = listed(facts_of(document).values)
        assert no_safer(issues, unknown), wrong


def test_wrong_values_anywhere_in_an_answer_document_clear_nothing():
    for number in range(budget(40, 20_000)):
        seed = f"wrong answers {number}"
        chance = Random(seed)
        document = random_document(chance)
        names = chance.sample(sorted(QUESTIONNAIRE.questions), 6)
        unknown, wrong = document.copy(), document.copy()
        for name in names:
            leave_out(unknown, name, State.SKIPPED)
            wrong.put(an_answer(name, chance.choice(raw_values_of(QUESTIONNAIRE.questions[name]))))
        assert no_safer(listed(facts_of(wrong).values), listed(facts_of(unknown).values)), (seed, names)


# ── dates, and long lists ──────────────────────────────────────────────────────────────────────────────────────────

SINCE = {
    "last_suicide_attempt_date": {"suicide_attempt_ever": "yes"},
    "last_psychosis_date": {"psychosis_ever_diagnosed": "yes", "psychosis_only_with_substances": "yes"},
    "last_heart_attack_or_stroke_date": {"heart_attack_or_stroke_ever": "yes"},
    "last_cocaine_or_meth_date": {"cocaine_or_meth_ever": "yes"},
    "bp_reading_date": {},
}


@pytest.mark.parametrize(
    "date", ["1900", "1900-05", "1900-05-24", "1899-12-31", "0001-01-01", "2026-11-24", "2026-12", "2027", "9999-12-31"]
)
@pytest.mark.parametrize("link_id", SINCE)
def test_a_date_in_1900_or_in_the_future_is_unknown_or_flagged_as_much(link_id, date):
    document = document_of(SINCE[link_id])
    leave_out(document, link_id, State.NOT_SURE)
    unknown = listed(facts_of(document).values)
    document.put(an_answer(link_id, date))
    assert no_safer(listed(facts_of(document).values), unknown)


@pytest.mark.parametrize("born", ["1900-01-01", "0001-01-01", "2026-11-24", "2027-01-01", "9999-12-31"])
def test_a_date_of_birth_in_1900_or_in_the_future_is_flagged(born):
    document = document_of({})
    document.put(an_answer("date_of_birth", born))
    assert "age.out-of-range" in listed(facts_of(document).values)


@pytest.mark.parametrize("lines", [500, 600])
def test_a_list_of_hundreds_of_medicines_is_read_to_its_last_line(lines):
    document = document_of({})
    rows = [{"name": f"made up {number}", "dose": "5 mg"} for number in range(lines - 1)]
    document.put(an_answer("medicines", {"none": False, "rows": [*rows, {"name": "Nardil", "dose": "15 mg"}]}))
    assert {"medication.maoi", "medication.unrecognized"} <= set(listed(facts_of(document).values))
    document.put(an_answer("medicines", {"none": False, "rows": [{"name": "metformin", "dose": ""}] * (lines - 1)}))
    assert listed(facts_of(document).values) == {}
    assert "takes_maoi" in facts_of(document).values
