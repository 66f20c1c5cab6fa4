"""An answer that means danger: the very next page is the help page, and staff are called while the form is unfinished."""

import datetime
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from clinic_site.messaging.models import OutboxMessage
from intake.models import QuestionnaireResponse
from screening.models import Case, CaseStatus
from tests.intake.drafts import filled
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

EMERGENCY = 5


@pytest.fixture
def patient(published, clinic) -> PatientBrowser:
    return PatientBrowser(clinic)


def date_parts(day: datetime.date) -> dict[str, str]:
    return {".month": str(day.month), ".day": str(day.day), ".year": str(day.year)}


def leads_to_help(patient: PatientBrowser, answered) -> bool:
    return answered.status_code == 303 and answered["Location"] == f"/intake/{patient.public_id}/help/"


def urgent_messages() -> int:
    return OutboxMessage.objects.filter(purpose="urgent").count()


YES = {"": "yes"}
HIGH = {".systolic": "190", ".diastolic": "100"}
# What was saved before, the page that is saved now, and its answer.
DANGER = {
    "thoughts right now": ({}, "suicidal_thoughts_right_now", YES),
    "a plan or intent": ({}, "suicide_plan_or_intent_past_month", YES),
    "harm to others": ({}, "thinking_of_hurting_someone_now", YES),
    "attempt, date left blank": ({"suicide_attempt_ever": YES}, "last_suicide_attempt_date", {".year": ""}),
    "attempt, date not sure": ({"suicide_attempt_ever": YES}, "last_suicide_attempt_date", {".absent": "not_sure"}),
    "attempt, date not said": (
        {"suicide_attempt_ever": YES}, "last_suicide_attempt_date", {".absent": "prefer_not_to_say"},
    ),
    "attempt, date unreadable": ({"suicide_attempt_ever": YES}, "last_suicide_attempt_date", {".year": "last year"}),
    "severe withdrawal": (
        {"stopped_heavy_alcohol_or_benzo_past_3_days": YES}, "severe_withdrawal_symptoms_now", YES,
    ),
    "high pressure with signs": ({"blood_pressure": HIGH}, "bp_symptoms_now", YES),
    "high pressure, signs not sure": ({"blood_pressure": HIGH}, "bp_symptoms_now", {"": "not_sure"}),
    "high pressure, signs left blank": ({"blood_pressure": HIGH}, "bp_symptoms_now", {"": ""}),
} | {
    sign: ({}, "emergency_symptoms_now", {"": [sign]})
    for sign in (
        "chest_pain_now", "trouble_breathing_at_rest_now", "stroke_signs_now", "worst_headache_of_life_now",
        "fainted_today",
    )
}  # fmt: skip


@pytest.mark.parametrize("danger", DANGER)
def test_an_answer_that_means_danger_leads_to_the_help_page_and_calls_staff(patient, danger):
    before, link_id, answer = DANGER[danger]
    for name, value in before.items():
        assert not leads_to_help(patient, patient.save(name, **{name: value}))
    assert not Case.objects.exists()
    assert leads_to_help(patient, patient.save(link_id, **{link_id: answer}))
    case = Case.objects.get()
    assert (case.severity, case.status, case.submitted_at) == (EMERGENCY, CaseStatus.UNFINISHED, None)
    assert urgent_messages() == 1


SAFE = {
    "nothing right now": ({}, "suicidal_thoughts_right_now", {"": "no"}),
    "thoughts right now, not sure": ({}, "suicidal_thoughts_right_now", {"": "prefer_not_to_say"}),
    "attempt, before the date is asked": ({}, "suicide_attempt_ever", YES),
    "attempt twenty years ago": ({"suicide_attempt_ever": YES}, "last_suicide_attempt_date", {".year": "2006"}),
    "withdrawal without signs": (
        {"stopped_heavy_alcohol_or_benzo_past_3_days": YES}, "severe_withdrawal_symptoms_now", {"": "no"},
    ),
    "signs asked before the pressure": ({}, "bp_symptoms_now", YES),
    "high pressure without signs": ({"blood_pressure": HIGH}, "bp_symptoms_now", {"": "no"}),
    "no signs": ({}, "emergency_symptoms_now", {"": ["none"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", SAFE)
def test_an_answer_that_is_no_emergency_goes_on_to_the_next_page(patient, case):
    before, link_id, answer = SAFE[case]
    for name, value in before.items():
        patient.save(name, **{name: value})
    saved = patient.save(link_id, **{link_id: answer})
    assert saved.status_code == 303
    assert not leads_to_help(patient, saved)
    assert not Case.objects.exists()


@pytest.mark.parametrize(("days", "is_emergency"), [(0, True), (1, True), (90, True), (91, False), (400, False)])
def test_an_attempt_is_an_emergency_up_to_ninety_days_back(patient, days, is_emergency):
    patient.save("suicide_attempt_ever", suicide_attempt_ever=YES)
    day = patient.clinic.today() - datetime.timedelta(days=days)
    saved = patient.save("last_suicide_attempt_date", last_suicide_attempt_date=date_parts(day))
    assert leads_to_help(patient, saved) == is_emergency


def test_an_attempt_this_year_without_month_is_taken_as_recent(patient):
    patient.save("suicide_attempt_ever", suicide_attempt_ever=YES)
    year = str(patient.clinic.today().year)
    saved = patient.save("last_suicide_attempt_date", last_suicide_attempt_date={".year": year})
    assert leads_to_help(patient, saved)


def test_a_late_post_that_means_danger_leads_to_help_and_calls_staff(patient):
    ticket = patient.client.get(patient.url("suicidal_thoughts_right_now")).context["ticket"]
    late = Client().post(
        patient.url("suicidal_thoughts_right_now"), {"ticket": ticket, "suicidal_thoughts_right_now": "yes"}
    )
    assert leads_to_help(patient, late)
    assert urgent_messages() == 1


def test_a_page_with_a_mistake_beside_the_danger_leads_to_help_too(patient):
    ticket = patient.client.get(patient.url("suicidal_thoughts_right_now")).context["ticket"]
    saved = patient.client.post(
        patient.url("suicidal_thoughts_right_now"),
        {"ticket": ticket, "suicidal_thoughts_right_now": "yes", "aneurysm_or_avm": "yes"},
    )
    assert leads_to_help(patient, saved)


# ── the case and the alarm ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_alarm_is_given_once_for_the_same_danger(patient):
    for _ in range(3):
        assert leads_to_help(patient, patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES))
    assert urgent_messages() == 1
    assert Case.objects.count() == 1


def test_a_second_kind_of_danger_is_a_new_alarm_on_the_same_case(patient):
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=YES)
    assert urgent_messages() == 2
    assert set(Case.objects.get().rule_ids) == {"safety.harm-others", "safety.suicide-intent-now"}


def test_changing_the_answer_back_keeps_the_case_at_the_top(patient):
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    assert not leads_to_help(
        patient, patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now={"": "no"})
    )
    case = Case.objects.get()
    assert (case.severity, case.rule_ids) == (EMERGENCY, ["safety.suicide-intent-now"])
    changes = patient.response.document().changes("suicidal_thoughts_right_now")
    assert [answer.value for answer in changes] == ["yes"]


def test_a_danger_that_was_taken_back_before_sending_keeps_its_place(patient):
    ready = filled(patient.clinic)
    ready.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=YES)
    ready.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now={"": "no"})
    ready.submit()
    case = Case.objects.get()
    assert (case.severity, case.status) == (EMERGENCY, CaseStatus.WAITING)
    assert "safety.harm-others" in case.rule_ids


def test_a_danger_that_shows_only_at_sending_calls_staff_then(patient):
    ready = filled(patient.clinic)
    ready.save("suicide_attempt_ever", suicide_attempt_ever=YES)
    # Its follow-ups were never opened, so the date is unknown and counts as recent.
    assert not Case.objects.exists()
    assert ready.submit().status_code == 303
    assert Case.objects.get().severity == EMERGENCY
    assert urgent_messages() == 1


def test_the_alarm_says_nothing_about_the_person(patient):
    for name in ("legal_given_name", "phone", "date_of_birth"):
        patient.save(name)
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    message = OutboxMessage.objects.get(purpose="urgent")
    written = f"{message.subject} {message.body} {message.recipient}".casefold()
    assert patient.response.reference.casefold() in written
    assert message.recipient == patient.clinic.alert_email
    for word in ("sam", "sample", "212 555", "1985", "suicid", "thought", "ketamine", "psych", patient.public_id):
        assert word.casefold() not in written


def test_the_unfinished_intake_stands_at_the_top_of_the_queue(patient, staff, signed_in):
    filled(patient.clinic).submit()
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    page = signed_in(staff("clinician")).get("/review/").content.decode()
    others = QuestionnaireResponse.objects.exclude(public_id=patient.public_id).get()
    assert page.index(patient.response.reference) < page.index(others.reference)


def test_a_page_is_saved_when_the_emergency_rules_can_not_be_run(patient):
    with mock.patch("screening.assessments.facts_from_response", side_effect=RuntimeError("broken")):
        saved = patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    assert saved.status_code == 303
    assert patient.response.document().value("suicidal_thoughts_right_now") == "yes"


# ── the help page itself ───────────────────────────────────────────────────────────────────────────────────────────

WAYS_TO_HELP = ("tel:911", "tel:988", "sms:988", "https://988lifeline.org/chat", "sms:838255", "oprima 2")


@pytest.mark.parametrize("way", WAYS_TO_HELP)
@pytest.mark.parametrize("place", ["help-now/", "intake/{}/help/", "intake/nobody/help/"])
def test_the_help_page_names_every_way_to_help(patient, place, way):
    page = patient.client.get("/" + place.format(patient.public_id))
    assert page.status_code == 200
    assert way in page.content.decode()


@pytest.mark.parametrize(
    "failing", ["intake.views.find_response", "intake.views.holds_pass", "intake.views.continue_url"]
)
def test_the_help_page_answers_without_a_database(patient, failing):
    with mock.patch(failing, side_effect=OperationalError("the database is down")):
        page = patient.client.get(f"/intake/{patient.public_id}/help/")
    assert page.status_code == 200
    assert all(way in page.content.decode() for way in WAYS_TO_HELP)


def test_the_general_help_page_asks_the_database_nothing(published, clinic, statements):
    with statements() as asked:
        assert Client().get("/help-now/").status_code == 200
    assert asked.statements() == []


def test_the_help_page_says_whether_somebody_is_at_the_clinic(patient):
    url = f"/intake/{patient.public_id}/help/"
    assert "The clinic is open now" in patient.client.get(url).content.decode()
    patient.clinic.hours = {}
    patient.clinic.save()
    closed = patient.client.get(url).content.decode()
    assert "nobody is watching this form" in closed
    assert patient.clinic.phone in closed
    assert patient.clinic.crisis_text in closed


def test_the_help_page_leads_on_to_the_first_page_that_is_open(patient):
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    page = patient.client.get(f"/intake/{patient.public_id}/help/")
    assert page.context["continue_url"] == f"/intake/{patient.public_id}/1/"
    assert patient.client.get(page.context["continue_url"]).status_code == 200


@pytest.mark.parametrize("reply", ["safe_for_now", "need_help", "wrong_answer"])
def test_what_is_pressed_on_the_help_page_is_noted_and_changes_no_flag(patient, reply):
    patient.save("suicidal_thoughts_right_now", suicidal_thoughts_right_now=YES)
    pressed = patient.client.post(f"/intake/{patient.public_id}/help/", {"reply": reply})
    assert "Thank you" in patient.client.get(pressed["Location"]).content.decode()
    document = patient.response.document()
    assert [answer.value for answer in document.history] == [reply]
    assert document.value("suicidal_thoughts_right_now") == "yes"
    assert Case.objects.get().severity == EMERGENCY


def test_another_browser_sees_help_and_nothing_of_the_draft(patient):
    page = Client().get(f"/intake/{patient.public_id}/help/").content.decode()
    assert "tel:988" in page
    assert patient.response.reference not in page
    assert f"/intake/{patient.public_id}/1/" not in page
