"""Nobody goes through pages that their answers have made pointless."""

import pytest

from intake.models import QuestionnaireResponse
from screening.demo import complete_answers, fill_in
from tests.conftest import make_clinic, shipped_questionnaire

FOLLOW_UPS = {
    "sleep_apnea_machine_most_nights": {"lungs_and_sleep": ["sleep_apnea", "none"]},
    "last_cocaine_or_meth_date": {"cocaine_or_meth_ever": "yes"},
    "ketamine_treatment_sessions": {"ketamine_and_psychedelics_history": ["ketamine_treatment_ever", "none"]},
    "insurance_member_id": {"payment_choice": "use_insurance"},
    "may_tell_health_plan": {"payment_choice": "pay_myself"},
}
OPTIONAL = {"ketamine_treatment_sessions", "insurance_member_id", "may_tell_health_plan"}
pytestmark = pytest.mark.usefixtures("published")


def asked(**answers: object) -> set[str]:
    response: QuestionnaireResponse = fill_in(make_clinic("riverside"), complete_answers(**answers))
    return set(response.document().answers)


def test_somebody_with_nothing_to_declare_meets_no_follow_up():
    assert not asked() & set(FOLLOW_UPS)


@pytest.mark.parametrize("follow_up", FOLLOW_UPS)
def test_a_follow_up_comes_after_its_yes_and_alone(follow_up):
    assert asked(**FOLLOW_UPS[follow_up]) & set(FOLLOW_UPS) == {follow_up}


@pytest.mark.parametrize("follow_up", sorted(set(FOLLOW_UPS) - OPTIONAL))
def test_a_follow_up_that_a_rule_reads_is_asked_of_the_unsure_too(follow_up):
    gate = next(iter(FOLLOW_UPS[follow_up]))
    assert follow_up in asked(**{gate: "not_sure"})


def test_who_says_nothing_about_ketamine_or_payment_is_asked_no_details():
    assert not asked(ketamine_and_psychedelics_history="not_sure", payment_choice=None) & OPTIONAL


def test_nothing_about_goals_or_insurance_stands_in_the_way_of_sending():
    optional = [
        item.link_id
        for section in shipped_questionnaire().sections
        if section.code in ("reasons-and-goals", "insurance")
        for page in section.items
        for item in (page.items or (page,))
        if not item.clinical
    ]
    assert fill_in(make_clinic("riverside"), complete_answers(**dict.fromkeys(optional))).is_draft is False
