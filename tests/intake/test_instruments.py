"""Published scales: their words, codes and scores as published, and what a missing answer does to a score."""

import datetime
import re
from typing import Any

import pytest

from intake.answer_types import FIELDS
from intake.answers import Answer, AnswerDocument, State
from intake.branching import what_is_asked
from intake.scores import score_or_screen
from intake.truth import Truth
from tests.architecture.source import ROOT
from tests.conftest import shipped_questionnaire
from tests.intake.published_scales import PANELS, PUBLISHED, SCORES, STEMS

QUESTIONNAIRE = shipped_questionnaire()
ITEMS = {
    code: [item for item in QUESTIONNAIRE.questions.values() if item.instrument == code]
    for code in QUESTIONNAIRE.instruments
}
AUDIT, TAPS, PHQ_9, GAD_7, PC_PTSD_5 = (
    [item.link_id for item in ITEMS[code]] for code in ("audit", "taps", "phq-9", "gad-7", "pc-ptsd-5")
)
RATHER_NOT = State.PREFER_NOT_TO_SAY
NEVER = dict.fromkeys(TAPS[:5], "never")
USED = dict.fromkeys(TAPS[:5], "weekly")


def document(answers: dict[str, Any]) -> AnswerDocument:
    return AnswerDocument(
        {
            link_id: Answer(
                link_id=link_id,
                state=value if isinstance(value, State) else State.ANSWERED,
                value=None if isinstance(value, State) else value,
                question="",
                shown="",
                language="en",
                entered_by="self",
                at="2026-12-01T10:00:00+00:00",
                revision=1,
            )
            for link_id, value in answers.items()
        }
    )


def score(name: str, answers: dict[str, Any]) -> float | str | None:
    filled = document(answers)
    return score_or_screen(QUESTIONNAIRE, filled, what_is_asked(QUESTIONNAIRE, filled), name)


def asked(link_id: str, answers: dict[str, Any]) -> Truth:
    return what_is_asked(QUESTIONNAIRE, document(answers))[QUESTIONNAIRE.page_of[link_id].number]


def counting(link_ids: list[str], total: int) -> dict[str, str]:
    """Answers that add up to `total`: as much as possible from the first items, 0 from the rest."""
    answers = {}
    for link_id in link_ids:
        options = sorted(QUESTIONNAIRE.questions[link_id].options, key=lambda option: option.score or 0, reverse=True)
        taken = next(option for option in options if (option.score or 0) <= total)
        answers[link_id], total = taken.code, total - int(taken.score or 0)
    assert total == 0
    return answers


# As published


def test_these_scales_are_shipped_and_no_others():
    assert set(QUESTIONNAIRE.instruments) == set(PUBLISHED)


@pytest.mark.parametrize("code", PUBLISHED)
def test_items_are_word_for_word_in_the_published_order(code):
    assert [item.text["en"] for item in ITEMS[code]] == [text for _loinc, _options, text in PUBLISHED[code]]


@pytest.mark.parametrize("code", PUBLISHED)
def test_answers_are_word_for_word_and_count_as_published(code):
    shipped = [tuple((option.label["en"], option.score) for option in item.options) for item in ITEMS[code]]
    assert shipped == [options for _loinc, options, _text in PUBLISHED[code]]


@pytest.mark.parametrize("code", PUBLISHED)
def test_codes_are_those_of_loinc_and_none_is_invented(code):
    assert [item.loinc for item in ITEMS[code]] == [loinc for loinc, _options, _text in PUBLISHED[code]]
    assert QUESTIONNAIRE.instruments[code].loinc == PANELS.get(code, "")


@pytest.mark.parametrize("code", PUBLISHED)
def test_the_words_above_the_items_are_as_published(code):
    assert [_plain(item.stem.get("en", "")) for item in ITEMS[code]] == STEMS[code]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"^• ", "", text, flags=re.MULTILINE)).strip()


def test_scores_have_the_published_codes_and_ranges():
    shipped = {s.name: (s.loinc, [start for start, _label in s.bands]) for s in QUESTIONNAIRE.scores.values()}
    assert shipped == SCORES


@pytest.mark.parametrize("code", PUBLISHED)
def test_each_scale_names_licence_authors_and_source_and_is_described(code):
    instrument = QUESTIONNAIRE.instruments[code]
    assert instrument.licence
    assert instrument.attribution
    assert instrument.source
    described = (ROOT / "docs" / "instruments.md").read_text(encoding="utf-8")
    assert instrument.name["en"] in described
    for item in ITEMS[code]:
        assert item.loinc in described


@pytest.mark.parametrize("item", [item for items in ITEMS.values() for item in items], ids=lambda item: item.link_id)
def test_the_only_way_to_skip_stands_outside_the_scale(item):
    field = FIELDS[item.type](item, language="en", today=datetime.date(2026, 12, 1))
    assert [code for code, _label in field.absent_choices] == [RATHER_NOT]
    assert item.type == "choice"
    assert not any(option.exclusive or option.rest for option in item.options)


# Sums: PHQ-9, GAD-7


@pytest.mark.parametrize("total", [0, 1, 4, 5, 9, 10, 14, 15, 19, 20, 27])
def test_the_phq_9_is_the_sum_of_nine_items(total):
    assert score("phq9_total_score", counting(PHQ_9[:9], total)) == total


@pytest.mark.parametrize("total", [0, 4, 5, 9, 10, 14, 15, 21])
def test_the_gad_7_is_the_sum_of_seven_items(total):
    assert score("gad7_total_score", counting(GAD_7, total)) == total


@pytest.mark.parametrize("left_out", PHQ_9[:9])
@pytest.mark.parametrize("how", ["blank", RATHER_NOT])
def test_a_phq_9_with_an_item_missing_has_no_total(left_out, how):
    answers: dict[str, Any] = counting(PHQ_9[:9], 27)
    answers.pop(left_out) if how == "blank" else answers.update({left_out: how})
    assert score("phq9_total_score", answers) is None


@pytest.mark.parametrize("left_out", GAD_7)
def test_a_gad_7_with_an_item_missing_has_no_total(left_out):
    assert score("gad7_total_score", counting(GAD_7, 21) | {left_out: RATHER_NOT}) is None


@pytest.mark.parametrize(
    ("answer", "counts"),
    [("not_at_all", 0), ("several_days", 1), ("more_than_half_the_days", 2), ("nearly_every_day", 3)],
)
def test_item_9_counts_alone_when_nothing_else_is_answered(answer, counts):
    assert score("phq9_item9_score", {PHQ_9[8]: answer}) == counts
    assert score("phq9_total_score", {PHQ_9[8]: answer}) is None


def test_item_9_left_out_is_not_known_even_when_all_else_is_answered():
    assert score("phq9_item9_score", counting(PHQ_9[:8], 0)) is None


def test_how_difficult_is_asked_when_there_is_a_problem_and_never_counts():
    nothing, something = counting(PHQ_9[:9], 0), counting(PHQ_9[:9], 1)
    assert asked("phq9_difficulty", nothing) is Truth.FALSE
    assert asked("phq9_difficulty", something) is Truth.TRUE
    assert asked("phq9_difficulty", something | {PHQ_9[4]: RATHER_NOT}) is Truth.UNKNOWN
    assert score("phq9_total_score", something | {"phq9_difficulty": "extremely_difficult"}) == 1


# AUDIT


def test_who_never_drinks_is_asked_one_question_of_the_audit():
    answers = {AUDIT[0]: "never", "substances_to_work_on": ["none"]}
    assert [asked(link_id, answers) for link_id in AUDIT] == [Truth.TRUE, *[Truth.FALSE] * 9]
    assert (score("audit_c_score", answers), score("audit_total_score", answers)) == (0, 0)


@pytest.mark.parametrize(
    ("sex", "total", "positive"),
    [
        ("male", 3, "no"),
        ("male", 4, "yes"),
        ("male", 5, "yes"),
        ("female", 2, "no"),
        ("female", 3, "yes"),
        ("female", 4, "yes"),
        ("other", 2, "no"),
        ("other", 3, "yes"),
        (State.SKIPPED, 2, "no"),
        (State.SKIPPED, 3, "yes"),
    ],
)
def test_the_audit_c_is_positive_from_4_for_men_and_from_3_for_everybody_else(sex, total, positive):
    goals_and_sex = {"sex_recorded": sex, "substances_to_work_on": ["none"]}
    answers = goals_and_sex | {AUDIT[0]: "monthly_or_less"} | counting(AUDIT[1:3], total - 1)
    assert score("audit_c_score", answers) == total
    assert score("audit_c_positive", answers) == positive
    follows = Truth.TRUE if positive == "yes" else Truth.FALSE
    assert {asked(link_id, answers) for link_id in AUDIT[3:]} == {follows}
    assert score("audit_total_score", answers) == (None if positive == "yes" else total)


def test_who_wants_to_work_on_alcohol_is_asked_all_that_a_year_without_it_can_tell():
    answers = {AUDIT[0]: "never", "substances_to_work_on": ["alcohol", "tobacco"]}
    assert [asked(link_id, answers) for link_id in AUDIT[:3]] == [Truth.TRUE, Truth.FALSE, Truth.FALSE]
    assert {asked(link_id, answers) for link_id in AUDIT[3:]} == {Truth.TRUE}
    assert score("audit_total_score", answers) is None
    assert score("audit_total_score", answers | counting(AUDIT[3:], 28)) == 28


@pytest.mark.parametrize("total", [7, 8, 15, 16, 19, 20, 40])
def test_the_audit_is_the_sum_of_ten_items(total):
    assert score("audit_total_score", counting(AUDIT, total)) == total


@pytest.mark.parametrize("left_out", AUDIT)
def test_an_audit_with_an_item_missing_has_no_total(left_out):
    assert score("audit_total_score", counting(AUDIT, 40) | {left_out: RATHER_NOT}) is None


def test_an_audit_c_that_is_not_known_opens_the_rest_instead_of_shutting_it():
    answers = {AUDIT[0]: RATHER_NOT, "substances_to_work_on": ["none"]}
    assert {asked(link_id, answers) for link_id in AUDIT[1:]} == {Truth.UNKNOWN}
    assert score("audit_c_score", answers) is None
    assert score("audit_c_positive", answers) is None


# TAPS


def test_who_uses_nothing_is_asked_nothing_of_the_second_part():
    answers = NEVER | {"sex_recorded": "female"}
    assert {asked(link_id, answers) for link_id in TAPS[5:]} == {Truth.FALSE}
    assert {score(name, answers) for name in SCORES if name.startswith("taps2_")} == {0}


@pytest.mark.parametrize(
    ("sex", "five", "four"),
    [
        ("male", Truth.TRUE, Truth.FALSE),
        ("female", Truth.FALSE, Truth.TRUE),
        ("other", Truth.FALSE, Truth.TRUE),
        (State.SKIPPED, Truth.FALSE, Truth.UNKNOWN),
    ],
)
def test_everybody_is_asked_one_of_the_two_questions_on_drinks_in_a_day(sex, five, four):
    answers = USED | {"sex_recorded": sex, "taps2_alcohol_use": "yes"}
    for part in ("taps1_{}_or_more_drinks", "taps2_alcohol_{}_or_more"):
        assert (asked(part.format("five"), answers), asked(part.format("four"), answers)) == (five, four)
    everything = answers | dict.fromkeys((link_id for link_id in TAPS if "taps2_alcohol" in link_id), "yes")
    assert score("taps2_alcohol_score", everything) == 4


@pytest.mark.parametrize(
    ("first_part", "second_part"),
    [
        ("taps1_tobacco", {"tobacco"}),
        ("taps1_four_or_more_drinks", {"alcohol"}),
        ("taps1_drugs", {"cannabis", "stimulant", "heroin", "other"}),
        ("taps1_prescription_medicines", {"opioid_medicine", "sedative", "adhd_medicine"}),
    ],
)
@pytest.mark.parametrize("answer", ["less_than_monthly", RATHER_NOT])
def test_the_second_part_is_asked_only_about_what_was_used(first_part, second_part, answer):
    answers = NEVER | {"sex_recorded": "female", first_part: answer}
    open_gates = {link_id for link_id in TAPS if re.fullmatch(r"taps2_\w+_use", link_id)}
    opened = {link_id for link_id in open_gates if asked(link_id, answers) is not Truth.FALSE}
    assert opened == {f"taps2_{name}_use" for name in second_part}


THREE_ITEMS = [name for name in SCORES if name.startswith("taps2_") and len(QUESTIONNAIRE.scores[name].items) == 3]


@pytest.mark.parametrize("name", THREE_ITEMS)
def test_a_substance_counts_each_yes_and_nothing_without_use(name):
    first, second, third = QUESTIONNAIRE.scores[name].items
    use = USED | {"sex_recorded": "female", first: "yes"}
    assert score(name, use | {first: "no"}) == 0
    assert asked(second, use | {first: "no"}) is Truth.FALSE
    assert score(name, use | {second: "no", third: "no"}) == 1
    assert score(name, use | {second: "no", third: "yes"}) == 2
    assert score(name, use | {second: "yes", third: "yes"}) == 3
    assert score(name, use | {second: "yes"}) is None
    assert score(name, USED | {first: RATHER_NOT}) is None


def test_the_highest_looks_only_at_substances_without_a_rule_of_their_own():
    highest = QUESTIONNAIRE.scores["taps2_highest_other_substance_score"]
    none = USED | dict.fromkeys(TAPS[5:], "no") | {"sex_recorded": "female"}
    assert score(highest.name, none) == 0
    for name in [s for s in SCORES if s.startswith("taps2_") and s != highest.name]:
        items = QUESTIONNAIRE.scores[name].items
        all_yes = none | dict.fromkeys(items, "yes")
        counts = {"taps2_other_score": 1}.get(name, 3) if name in highest.highest_of else 0
        assert score(highest.name, all_yes) == counts
        expected = None if name in highest.highest_of else 0
        assert score(highest.name, all_yes | {items[-1]: RATHER_NOT}) == expected


# PC-PTSD-5


def test_no_such_event_is_a_score_of_0_and_ends_the_questions():
    answers = {PC_PTSD_5[0]: "no"}
    assert {asked(link_id, answers) for link_id in PC_PTSD_5[1:]} == {Truth.FALSE}
    assert score("pc_ptsd5_score", answers) == 0


@pytest.mark.parametrize("total", range(6))
def test_after_an_event_each_yes_counts(total):
    assert score("pc_ptsd5_score", {PC_PTSD_5[0]: "yes"} | counting(PC_PTSD_5[1:], total)) == total


def test_an_event_or_a_sign_left_out_is_no_score():
    assert score("pc_ptsd5_score", {PC_PTSD_5[0]: RATHER_NOT}) is None
    assert {asked(link_id, {PC_PTSD_5[0]: RATHER_NOT}) for link_id in PC_PTSD_5[1:]} == {Truth.UNKNOWN}
    answers = {PC_PTSD_5[0]: "yes"} | counting(PC_PTSD_5[1:], 5)
    assert score("pc_ptsd5_score", answers | {PC_PTSD_5[3]: RATHER_NOT}) is None
