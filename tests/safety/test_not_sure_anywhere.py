"""One answer less of a person with nothing to declare, through the real forms: something is listed, whichever it was."""

import datetime

import pytest

from intake.completeness import asked_pages
from screening.demo.answers import complete_answers
from screening.demo.filling import answered
from screening.engine import assess
from screening.facts import facts_from_response
from tests.conftest import shipped_questionnaire, shipped_rule_set

NOW = datetime.datetime(2026, 11, 23, 17, 0, tzinfo=datetime.UTC)


def document_of(**changes):
    return answered(shipped_questionnaire(), complete_answers(**changes), now=NOW)


def listed(**changes):
    facts = facts_from_response(
        shipped_questionnaire(),
        document_of(**changes),
        lexicon=shipped_rule_set().lexicon,
        now=NOW,
        today=NOW.date(),
        licensed_states=("ny",),
    )
    return {issue.rule for issue in assess(shipped_rule_set(), facts.values).issues}


CLINICAL = [
    item.link_id
    for page in asked_pages(shipped_questionnaire(), document_of())
    for item in page.questions
    if item.clinical
]


def test_somebody_with_nothing_to_declare_has_only_the_identity_check_open():
    assert listed() == {"identity.unverified"}


def test_the_clean_path_asks_enough_to_be_worth_testing():
    assert len(CLINICAL) > 70


@pytest.mark.parametrize("link_id", CLINICAL)
def test_not_sure_about_any_one_clinical_question_is_listed(link_id):
    scale = shipped_questionnaire().questions[link_id].instrument
    assert listed(**{link_id: "prefer_not_to_say" if scale else "not_sure"}) > {"identity.unverified"}


@pytest.mark.parametrize("link_id", CLINICAL)
def test_any_one_clinical_question_left_blank_is_listed(link_id):
    assert listed(**{link_id: None}) > {"identity.unverified"}
