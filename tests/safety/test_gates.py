"""Every operator of a gate, below, at and above its number, and with nothing to compare."""

import pytest

from clinic_site.publishing.documents import parse_source
from intake.answers import Answer, AnswerDocument, State
from intake.branching import what_is_asked
from intake.questionnaire_reader import questionnaire_from_tree
from intake.truth import Truth

HEADER = """
questionnaire: gates
version: "1"
languages: [en]
minimum_age_years: 18
title: {en: Gates}
"""
FIRST = """
section: gates
title: {en: Gates}
sensitivity: none
items:
  - {link_id: cups, type: number, unit: {en: cups}, min: 0, max: 40, text: {en: How many?}}
  - link_id: blood_pressure
    type: blood_pressure
    systolic: {min: 70, max: 260}
    diastolic: {min: 40, max: 150}
    text: {en: Pressure?}
  - link_id: kinds
    type: multiple_choice
    text: {en: Which?}
    options: [{code: green, label: {en: Green}}, {code: black, label: {en: Black}}]
"""
OPERATORS = {"equal": "=", "unequal": "!=", "more": ">", "less": "<", "least": ">=", "most": "<="}
GATED = "".join(
    f'  - {{link_id: {name}, type: long_text, text: {{en: Q}}, enable_when: [{{question: {question}, operator: "{operator}", answer: {answer}}}]}}\n'
    for name, question, operator, answer in [
        *((name, "cups", operator, 4) for name, operator in OPERATORS.items()),
        ("said", "cups", "exists", "true"),
        ("silent", "cups", "exists", "false"),
        ("high", "systolic_mmhg", ">=", 180),
        ("low", "diastolic_mmhg", "<", 60),
        ("green_tea", "kinds", "=", "green"),
        ("other_tea", "kinds", "!=", "green"),
    ]
)
GATES = questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-gates.yaml": FIRST + GATED}))


def asked(**values):
    document = AnswerDocument()
    for link_id, value in values.items():
        state = State.NOT_SURE if value is None else State.ANSWERED
        document.put(Answer(link_id, state, value, "", "", "en", "self", "2026-11-23T12:00:00+00:00", 1))
    pages = what_is_asked(GATES, document)
    return {item.link_id: pages[GATES.page_of[item.link_id].number] for item in GATES.questions.values()}


@pytest.mark.parametrize(
    ("cups", "open_gates"),
    [
        ("3", {"unequal", "less", "most"}),
        ("4", {"equal", "least", "most"}),
        ("5", {"unequal", "more", "least"}),
    ],
)
def test_a_number_opens_the_gates_that_it_meets(cups, open_gates):
    found = asked(cups=cups)
    assert {name for name in OPERATORS if found[name] is Truth.TRUE} == open_gates
    assert {name for name in OPERATORS if found[name] is Truth.FALSE} == set(OPERATORS) - open_gates


@pytest.mark.parametrize("values", [{}, {"cups": None}])
def test_a_gate_with_nothing_to_compare_is_open_to_either(values):
    found = asked(**values)
    assert {found[name] for name in OPERATORS} == {Truth.UNKNOWN}
    assert (found["said"], found["silent"]) == (Truth.FALSE, Truth.TRUE)


def test_whether_there_is_an_answer_is_always_certain():
    found = asked(cups="0")
    assert (found["said"], found["silent"]) == (Truth.TRUE, Truth.FALSE)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "high", "low"),
    [("179", "60", Truth.FALSE, Truth.FALSE), ("180", "59", Truth.TRUE, Truth.TRUE)],
)
def test_each_part_of_a_reading_is_compared_by_itself(systolic, diastolic, high, low):
    found = asked(blood_pressure={"systolic": systolic, "diastolic": diastolic})
    assert (found["high"], found["low"]) == (high, low)


@pytest.mark.parametrize(
    ("kinds", "green", "other"),
    [
        (["green", "black"], Truth.TRUE, Truth.FALSE),
        (["black"], Truth.FALSE, Truth.TRUE),
        (None, Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_equal_to_a_list_means_ticked(kinds, green, other):
    found = asked(kinds=kinds)
    assert (found["green_tea"], found["other_tea"]) == (green, other)
