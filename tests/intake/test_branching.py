"""Which questions are asked: gates that are open, shut or not known, and what happens to answers behind them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_site.publishing.documents import parse_source
from intake.answers import Answer, AnswerDocument, State
from intake.branching import retire_unasked, what_is_asked
from intake.completeness import asked_pages
from intake.questionnaire_reader import questionnaire_from_tree, read_questionnaire
from intake.truth import Truth

HEADER = """
questionnaire: branches
version: "1"
languages: [en]
minimum_age_years: 18
title: {en: Branches}
option_sets:
  yes-no:
    - {code: "yes", label: {en: "Yes"}}
    - {code: "no", label: {en: "No"}}
"""
SECTION = """
section: branches
title: {en: Branches}
sensitivity: none
items:
  - {link_id: smokes, type: choice, options: yes-no, text: {en: Q}}
  - {link_id: drinks, type: choice, options: yes-no, text: {en: Q}}
  - {link_id: daily, type: choice, options: yes-no, text: {en: Q}, enable_when: [{question: smokes, operator: "=", answer: "yes"}]}
  - {link_id: packs, type: number, unit: {en: packs}, min: 0, max: 9, text: {en: Q}, enable_when: [{question: daily, operator: "=", answer: "yes"}]}
  - {link_id: heavy, type: choice, options: yes-no, text: {en: Q}, enable_when: [{question: packs, operator: ">=", answer: 2}]}
  - link_id: either
    type: choice
    options: yes-no
    text: {en: Q}
    enable_behavior: any
    enable_when:
      - {question: smokes, operator: "=", answer: "yes"}
      - {question: drinks, operator: "=", answer: "yes"}
  - link_id: both
    type: choice
    options: yes-no
    text: {en: Q}
    enable_behavior: all
    enable_when:
      - {question: smokes, operator: "=", answer: "yes"}
      - {question: drinks, operator: "=", answer: "yes"}
  - link_id: signs
    type: multiple_choice
    text: {en: Q}
    options:
      - {code: "cough", label: {en: Cough}}
      - {code: "fever", label: {en: Fever}}
      - {code: "none", label: {en: None}, exclusive: true}
  - {link_id: cough_days, type: short_text, text: {en: Q}, enable_when: [{question: signs, operator: "=", answer: "cough"}]}
  - {link_id: blood_pressure, type: blood_pressure, systolic: {min: 70, max: 260}, diastolic: {min: 40, max: 150}, text: {en: Q}}
  - {link_id: high, type: choice, options: yes-no, text: {en: Q}, enable_when: [{question: systolic_mmhg, operator: ">=", answer: 180}]}
  - link_id: gated_group
    type: group
    text: {en: Q}
    enable_when: [{question: drinks, operator: "!=", answer: "no"}]
    items:
      - {link_id: beer, type: short_text, text: {en: Q}}
      - {link_id: wine, type: short_text, text: {en: Q}}
"""
SMALL = questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-branches.yaml": SECTION}))
SKIPPED = {"state": State.SKIPPED}
NOT_SURE = {"state": State.NOT_SURE}
RATHER_NOT = {"state": State.PREFER_NOT_TO_SAY}
UNREADABLE = {"state": State.UNPARSEABLE}


def answer(link_id: str, value: Any, *, revision: int = 1) -> Answer:
    state, kept = (value["state"], None) if isinstance(value, dict) and "state" in value else (State.ANSWERED, value)
    at = f"2026-11-23T12:00:{revision % 60:02d}+00:00"
    return Answer(link_id, state, kept, "Q", str(kept or ""), "en", "self", at, revision)


def document(**answers: Any) -> AnswerDocument:
    given_answers = AnswerDocument()
    for link_id, value in answers.items():
        given_answers.put(answer(link_id, value))
    return given_answers


def asked(link_id: str, **answers: Any) -> Truth:
    return what_is_asked(SMALL, document(**answers))[SMALL.page_of[link_id].number]


BP_HIGH, BP_LOW = {"systolic": "180", "diastolic": "80"}, {"systolic": "179.9", "diastolic": "80"}
TABLE = [
    # one gate
    ("daily", {"smokes": "yes"}, Truth.TRUE),
    ("daily", {"smokes": "no"}, Truth.FALSE),
    ("daily", {}, Truth.UNKNOWN),
    ("daily", {"smokes": SKIPPED}, Truth.UNKNOWN),
    ("daily", {"smokes": NOT_SURE}, Truth.UNKNOWN),
    ("daily", {"smokes": RATHER_NOT}, Truth.UNKNOWN),
    ("daily", {"smokes": UNREADABLE}, Truth.UNKNOWN),
    # a chain: a shut gate shuts everything behind it, also over an answer that was left there
    ("packs", {"smokes": "no"}, Truth.FALSE),
    ("packs", {"smokes": "no", "daily": "yes"}, Truth.FALSE),
    ("heavy", {"smokes": "no", "daily": "yes", "packs": "5"}, Truth.FALSE),
    ("packs", {"smokes": NOT_SURE}, Truth.UNKNOWN),
    ("packs", {"smokes": NOT_SURE, "daily": "no"}, Truth.FALSE),
    ("packs", {"smokes": NOT_SURE, "daily": "yes"}, Truth.TRUE),
    ("heavy", {"smokes": "yes", "daily": "yes"}, Truth.UNKNOWN),
    # numbers: below, at, above
    ("heavy", {"smokes": "yes", "daily": "yes", "packs": "1.9"}, Truth.FALSE),
    ("heavy", {"smokes": "yes", "daily": "yes", "packs": "2"}, Truth.TRUE),
    ("heavy", {"smokes": "yes", "daily": "yes", "packs": "10"}, Truth.TRUE),
    ("heavy", {"smokes": "yes", "daily": "yes", "packs": "0"}, Truth.FALSE),
    # any
    ("either", {"smokes": "yes", "drinks": "no"}, Truth.TRUE),
    ("either", {"smokes": "yes"}, Truth.TRUE),
    ("either", {"smokes": "no", "drinks": NOT_SURE}, Truth.UNKNOWN),
    ("either", {"smokes": "no"}, Truth.UNKNOWN),
    ("either", {"smokes": "no", "drinks": "no"}, Truth.FALSE),
    # all
    ("both", {"smokes": "yes", "drinks": "yes"}, Truth.TRUE),
    ("both", {"smokes": "yes"}, Truth.UNKNOWN),
    ("both", {"smokes": RATHER_NOT, "drinks": "yes"}, Truth.UNKNOWN),
    ("both", {"smokes": NOT_SURE, "drinks": "no"}, Truth.FALSE),
    ("both", {"drinks": "no"}, Truth.FALSE),
    # several options
    ("cough_days", {"signs": ["fever", "cough"]}, Truth.TRUE),
    ("cough_days", {"signs": ["none"]}, Truth.FALSE),
    ("cough_days", {"signs": ["fever"]}, Truth.FALSE),
    ("cough_days", {"signs": NOT_SURE}, Truth.UNKNOWN),
    # one reading of a blood pressure
    ("high", {"blood_pressure": BP_HIGH}, Truth.TRUE),
    ("high", {"blood_pressure": BP_LOW}, Truth.FALSE),
    ("high", {"blood_pressure": UNREADABLE}, Truth.UNKNOWN),
    ("high", {}, Truth.UNKNOWN),
    # a group
    ("beer", {"drinks": "yes"}, Truth.TRUE),
    ("beer", {"drinks": "no"}, Truth.FALSE),
    ("beer", {"drinks": NOT_SURE}, Truth.UNKNOWN),
    # no gate
    ("smokes", {}, Truth.TRUE),
]


@pytest.mark.parametrize(("link_id", "answers", "truth"), TABLE, ids=[f"{n}-{row[0]}" for n, row in enumerate(TABLE)])
def test_a_gate_is_open_shut_or_not_known(link_id, answers, truth):
    assert asked(link_id, **answers) is truth


def test_a_question_behind_a_gate_that_is_not_known_is_asked():
    assert SMALL.page_of["daily"] in asked_pages(SMALL, document(smokes=NOT_SURE))
    assert SMALL.page_of["daily"] not in asked_pages(SMALL, document(smokes="no"))


def test_an_answer_behind_a_gate_that_shuts_goes_to_the_history():
    answers = document(smokes="yes", daily="yes", packs="2")
    answers.put(answer("smokes", "no", revision=2))
    retire_unasked(SMALL, answers, at="2026-11-23T13:00:00+00:00")
    assert set(answers.answers) == {"smokes"}
    assert [(old.link_id, old.value) for old in answers.history] == [
        ("smokes", "yes"),
        ("daily", "yes"),
        ("packs", "2"),
    ]
    assert all(old.superseded_at for old in answers.history)


def test_an_answer_from_before_the_gate_shut_does_not_count_when_it_opens_again():
    answers = document(smokes="yes", daily="no")
    for revision, value in ((2, "no"), (3, "yes")):
        answers.put(answer("smokes", value, revision=revision))
        retire_unasked(SMALL, answers, at="2026-11-23T13:00:00+00:00")
    assert answers.get("daily") is None
    assert what_is_asked(SMALL, answers)[SMALL.page_of["packs"].number] is Truth.UNKNOWN
    assert [old.value for old in answers.changes("daily")] == ["no"]


def test_a_gate_that_is_not_known_keeps_the_answers_behind_it():
    answers = document(smokes="yes", daily="yes")
    answers.put(answer("smokes", NOT_SURE, revision=2))
    retire_unasked(SMALL, answers, at="2026-11-23T13:00:00+00:00")
    assert answers.value("daily") == "yes"


def test_an_answer_that_is_saved_unchanged_leaves_no_history():
    answers = document(smokes="yes")
    answers.put(answer("smokes", "yes", revision=2))
    assert answers.history == []


def test_every_change_of_an_answer_is_kept_in_order():
    answers = document(smokes="yes")
    for revision, value in enumerate([NOT_SURE, "no", SKIPPED, "yes"], 2):
        answers.put(answer("smokes", value, revision=revision))
    assert [(old.state, old.value) for old in answers.changes("smokes")] == [
        (State.ANSWERED, "yes"), (State.NOT_SURE, None), (State.ANSWERED, "no"), (State.SKIPPED, None),
    ]  # fmt: skip


open_states = st.sampled_from([SKIPPED, NOT_SURE, RATHER_NOT, UNREADABLE])
yes_no = st.sampled_from(["yes", "no"])
VALUES = {
    "packs": st.integers(0, 9).map(str),
    "signs": st.sampled_from([["none"], ["cough"], ["fever", "cough"]]),
    "cough_days": st.just("three"),
    "beer": st.just("a lot"),
    "wine": st.just("none"),
    "blood_pressure": st.sampled_from([BP_HIGH, BP_LOW]),
}
steps = st.lists(
    st.sampled_from(sorted(SMALL.questions)).flatmap(
        lambda name: st.tuples(st.just(name), VALUES.get(name, yes_no) | open_states)
    ),
    max_size=25,
)


def after(sequence: list[tuple[str, Any]], *, through_the_database: bool) -> AnswerDocument:
    """The document after saving answers one by one, read back from JSON in between or not."""
    answers = AnswerDocument()
    for revision, (link_id, value) in enumerate(sequence, 1):
        answers.put(answer(link_id, value, revision=revision))
        retire_unasked(SMALL, answers, at="2026-11-23T13:00:00+00:00")
        if through_the_database:
            answers = AnswerDocument.from_json(json.loads(json.dumps(answers.to_json())))
    return answers


@given(steps)
@settings(max_examples=150, deadline=None)
def test_what_is_asked_after_loading_is_what_was_asked_before_saving(sequence):
    kept, loaded = after(sequence, through_the_database=False), after(sequence, through_the_database=True)
    assert loaded == kept
    assert what_is_asked(SMALL, loaded) == what_is_asked(SMALL, kept)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_no_answer_is_ever_lost_and_none_counts_behind_a_shut_gate(sequence):
    answers = after(sequence, through_the_database=False)
    truths = what_is_asked(SMALL, answers)
    assert all(truths[SMALL.page_of[link_id].number] is not Truth.FALSE for link_id in answers.answers)
    kept = [*answers.history, *answers.answers.values()]
    for link_id, value in sequence:
        given_answer = answer(link_id, value)
        assert any((a.link_id, a.state, a.value) == (link_id, given_answer.state, given_answer.value) for a in kept)


@given(steps, st.sampled_from(["smokes", "drinks", "signs", "blood_pressure"]), open_states)
@settings(max_examples=150, deadline=None)
def test_not_knowing_an_answer_never_takes_a_question_away(sequence, link_id, unknown):
    answers = after(sequence, through_the_database=False)
    before = {page.item.link_id for page in asked_pages(SMALL, answers)}
    answers.put(answer(link_id, unknown, revision=99))
    assert before <= {page.item.link_id for page in asked_pages(SMALL, answers)}


def test_the_shipped_follow_ups_that_rules_read_are_asked_of_somebody_who_is_not_sure():
    shipped = read_questionnaire()
    clinical = [page for page in shipped.pages if any(item.clinical for item in page.questions)]
    # Whether there is an answer at all is never in doubt.
    doubtful = [page for page in clinical if all(c.operator != "exists" for c in page.item.enable_when)]
    gated = [page for page in doubtful if page.item.enable_when]
    answers = AnswerDocument()
    for item in shipped.questions.values():
        answers.put(answer(item.link_id, NOT_SURE))
    assert gated
    assert set(gated) <= set(asked_pages(shipped, answers))
