"""Scales in a document: their scores, cut-offs and gates, and how mistakes in them are answered."""

import pytest

from clinic_site.publishing.documents import ContentError, parse_source
from intake.answers import Answer, AnswerDocument, State
from intake.branching import what_is_asked
from intake.questionnaire_reader import questionnaire_from_tree
from intake.scores import score_or_screen
from intake.truth import Truth

HEADER = """
questionnaire: scales
version: "1"
languages: [en]
minimum_age_years: 18
title: {en: Scales}
option_sets:
  often:
    - {code: never, label: {en: Never}, score: 0}
    - {code: sometimes, label: {en: Sometimes}, score: 1}
    - {code: daily, label: {en: Daily}, score: 4}
  yes-no:
    - {code: "yes", label: {en: "Yes"}}
    - {code: "no", label: {en: "No"}}
"""
SECTION = """
section: tea
title: {en: Tea}
sensitivity: none
instruments:
  tea-3:
    name: {en: Tea scale}
    licence: free
    attribution: made up
    source: nowhere
    scores:
      tea_short_score: {title: {en: Short}, sum: [tea_1, tea_2], source: made up}
      tea_total_score:
        title: {en: Total}
        sum: [tea_1, tea_2, tea_3]
        source: made up
        bands: [{from: 0, label: {en: Low}}, {from: 3, label: {en: High}}]
      tea_highest_score: {title: {en: Highest}, highest: [tea_short_score, tea_total_score], source: made up}
    screens:
      tea_positive:
        score: tea_short_score
        from: 3
        when: [{question: tall, answer: "yes", from: 5}]
        source: made up
items:
  - {link_id: tall, type: choice, clinical: false, options: yes-no, text: {en: Tall?}}
  - {link_id: tea_1, type: choice, options: often, instrument: tea-3, text: {en: Green?}}
  - link_id: tea_2
    type: choice
    options: often
    instrument: tea-3
    text: {en: Black?}
    enable_when: [{question: tea_1, operator: "!=", answer: never}]
  - link_id: tea_3
    type: choice
    options: often
    instrument: tea-3
    text: {en: White?}
    enable_when: [{question: tea_positive, operator: "=", answer: "yes"}]
  - link_id: a_lot_of_tea
    type: choice
    options: yes-no
    text: {en: Is it much?}
    enable_when: [{question: tea_total_score, operator: ">=", answer: 4}]
"""
SCALES = questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-tea.yaml": SECTION}))


def answered(**values):
    document = AnswerDocument()
    for link_id, value in values.items():
        state = State.NOT_SURE if value is None else State.ANSWERED
        document.put(Answer(link_id, state, value, "", "", "en", "self", "2026-11-23T12:00:00+00:00", 1))
    return document


def value(name, **values):
    document = answered(**values)
    return score_or_screen(SCALES, document, what_is_asked(SCALES, document), name)


def asked(link_id, **values):
    return what_is_asked(SCALES, answered(**values))[SCALES.page_of[link_id].number]


def test_a_score_is_the_sum_of_what_its_items_count():
    assert value("tea_total_score", tea_1="daily", tea_2="sometimes", tea_3="daily") == 9.0


@pytest.mark.parametrize("missing", ["tea_1", "tea_2", "tea_3"])
@pytest.mark.parametrize("declined", [True, False])
def test_a_scale_with_an_answer_missing_has_no_score(missing, declined):
    given = {"tea_1": "daily", "tea_2": "daily", "tea_3": "daily"}
    del given[missing]
    if declined:
        given[missing] = None
    assert value("tea_total_score", **given) is None


def test_zero_is_a_score_and_an_item_that_the_scale_skips_counts_zero():
    assert value("tea_total_score", tea_1="never") == 0.0


def test_a_negative_screen_leaves_the_short_score_as_the_total():
    assert value("tea_total_score", tea_1="sometimes", tea_2="sometimes") == 2.0


@pytest.mark.parametrize(
    ("first", "second", "tall", "screened"),
    [
        ("sometimes", "sometimes", "no", "no"),
        ("daily", "never", "no", "yes"),
        ("daily", "never", None, "yes"),
        ("daily", "never", "yes", "no"),
        ("daily", "sometimes", "yes", "yes"),
        ("daily", None, "no", None),
    ],
)
def test_a_screen_says_yes_from_its_cut_off_on_which_an_answer_can_move(first, second, tall, screened):
    assert value("tea_positive", tall=tall, tea_1=first, tea_2=second) == screened


def test_the_highest_of_scores_is_known_only_with_all_of_them():
    assert value("tea_highest_score", tea_1="daily", tea_2="never", tea_3="sometimes") == 5.0
    assert value("tea_highest_score", tea_1="daily", tea_2="never") is None


def test_further_items_are_asked_when_the_screen_is_positive_or_open():
    assert asked("tea_3", tea_1="never") is Truth.FALSE
    assert asked("tea_3", tea_1="daily", tea_2="never", tall="no") is Truth.TRUE
    assert asked("tea_3", tea_1="daily", tea_2=None) is Truth.UNKNOWN
    assert asked("tea_3") is Truth.UNKNOWN


def test_a_score_opens_a_page_by_its_size():
    assert asked("a_lot_of_tea", tea_1="sometimes", tea_2="never") is Truth.FALSE
    assert asked("a_lot_of_tea", tea_1="daily", tea_2="never", tea_3="never") is Truth.TRUE
    assert asked("a_lot_of_tea", tea_1="daily", tea_2="never", tea_3=None) is Truth.UNKNOWN


MISTAKES = {
    "an item that does not exist": ("sum: [tea_1, tea_2]", "sum: [tea_1, tea_9]", "no choice of a published scale"),
    "a question that is no item": ("sum: [tea_1, tea_2]", "sum: [tea_1, tall]", "no choice of a published scale"),
    "neither sum nor highest": ("sum: [tea_1, tea_2], ", "", "either 'sum'"),
    "the highest of nothing": ("highest: [tea_short_score, ", "highest: [tea_shrt_score, ", "no score that sums"),
    "a screen of no score": ("score: tea_short_score", "score: tea_shrt_score", "which is not there"),
    "a cut-off by no question": ("question: tall, answer", "question: small, answer", "no choice with the option"),
    "a cut-off by no option": ('answer: "yes", from', 'answer: "maybe", from', "no choice with the option"),
    "bands out of order": ("{from: 3,", "{from: 0,", "from the lowest score to the highest"),
    "a score compared with a word": (">=\", answer: 4", "=\", answer: \"4\"", "compare it by size"),
    "a screen compared with another word": ('tea_positive, operator: "=", answer: "yes"', 'tea_positive, operator: "=", answer: "oui"', "'yes' or 'no'"),
    "a gate before its last item": ("question: tea_1, operator: \"!=\", answer: never", "question: tea_positive, operator: \"=\", answer: \"yes\"", "same page or later"),
    "a name that is taken": ("tea_short_score: {", "tall: {", "choose another"),
    "an unknown key": ("sum: [tea_1, tea_2, tea_3]", "sums: [tea_1]", "did you mean 'sum'"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_scale_is_named_with_what_to_write(mistake):
    old, new, advice = MISTAKES[mistake]
    assert old in SECTION
    with pytest.raises(ContentError) as error:
        questionnaire_from_tree(
            parse_source({"questionnaire.yaml": HEADER, "01-tea.yaml": SECTION.replace(old, new, 1)})
        )
    assert advice in str(error.value)


def test_an_item_whose_options_count_nothing_is_refused():
    header = HEADER.replace(", score: 4", "")
    with pytest.raises(ContentError, match="not every option of it has a 'score'"):
        questionnaire_from_tree(parse_source({"questionnaire.yaml": header, "01-tea.yaml": SECTION}))


def test_one_reason_serves_every_item_of_a_scale_in_a_sensitive_section():
    sensitive = SECTION.replace("sensitivity: none", "sensitivity: mental-health")
    with pytest.raises(ContentError, match="add 'why'"):
        questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-tea.yaml": sensitive}))
    reasoned = sensitive.replace("name: {en: Tea scale}", "name: {en: Tea scale}\n    why: {en: It helps.}").replace(
        "{en: Is it much?}", "{en: Is it much?}\n    why: {en: So.}"
    )
    assert questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-tea.yaml": reasoned})).pages
