"""An alarm is never gone by itself: not by a softer answer, a second form, an older reading or a race."""

import pytest

from clinic_site.messaging.models import OutboxMessage
from screening.case_page import build_case_page
from screening.models import Case, CaseStatus, ObservationKind, Outcome, Stage
from screening.review import claim_case, close_flag, record_observation, sign_decision
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db
YES, NO = {"": "yes"}, {"": "no"}


@pytest.fixture
def patient(published, clinic):
    return PatientBrowser(clinic)


def open_alarms(case):
    page = build_case_page(Case.objects.with_record().get(pk=case.pk))
    return [f.issue.rule_id for f in page.flags if f.issue.tier == "emergency" and not f.closed]


def urgent():
    return OutboxMessage.objects.filter(purpose="urgent").count()


@pytest.mark.parametrize("later", ["no", "prefer_not_to_say", "not_sure"])
def test_a_softened_answer_leaves_the_alarm_open(patient, later):
    patient.answers["thinking_of_hurting_someone_now"] = YES
    patient.fill_in()
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now={"": later})
    assert patient.submit().status_code == 303
    assert open_alarms(Case.objects.get()) == ["safety.harm-others"]


def test_a_date_moved_into_the_past_leaves_the_alarm_open(patient, clinic):
    today = clinic.today()
    recent = {".month": str(today.month), ".day": "1", ".year": str(today.year)}
    patient.answers |= {"suicide_attempt_ever": YES, "last_suicide_attempt_date": recent}
    patient.fill_in()
    patient.save("last_suicide_attempt_date", last_suicide_attempt_date={".year": "2001"})
    patient.submit()
    assert "safety.suicide-attempt" in open_alarms(Case.objects.get())


def test_the_same_alarm_again_calls_again_and_is_open_again(patient, staff):
    patient.fill_in()
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=YES)
    case, clinician = Case.objects.get(), staff("clinician")
    claim_case(case.id, user=clinician)
    [flag] = build_case_page(Case.objects.with_record().get(pk=case.pk)).flags
    close_flag(case.id, flag.issue.id, user=clinician, reason="contact-made", words="Spoke with the patient.")
    assert open_alarms(case) == []
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=NO)
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=YES)
    assert urgent() == 2
    assert open_alarms(case) == ["safety.harm-others"]
    patient.submit()
    assert open_alarms(case) == ["safety.harm-others"]
    assert Case.objects.get().owner == clinician


def test_a_second_yes_to_the_same_danger_shows_the_help_page_too(patient):
    patient.answers |= {"wished_dead_past_few_weeks": YES}
    patient.fill_in(until="suicidal_thoughts_right_now")
    for question in ("suicidal_thoughts_right_now", "suicide_plan_or_intent_past_month"):
        assert patient.save(question, **{question: YES})["Location"].endswith("/help/")


def test_an_alarm_in_a_form_that_is_behind_is_an_alarm(patient):
    """Two tabs: the newer one says no, and the older one, sent afterwards, says yes."""
    question = "thinking_of_hurting_someone_now"
    patient.fill_in()
    behind = patient.client.get(patient.url(question)).context["ticket"]
    patient.save(question, **{question: NO})
    patient.save(question, **{question: {"": "not_sure"}})
    answered = patient.client.post(patient.url(question), {"ticket": behind, question: "yes"})
    assert answered["Location"].endswith("/help/")
    assert urgent() == 1
    assert patient.response.document().changes(question)[-1].value == "yes"


def test_an_alarm_after_sending_is_an_alarm(patient):
    question = "thinking_of_hurting_someone_now"
    patient.fill_in()
    behind = patient.client.get(patient.url(question)).context["ticket"]
    patient.submit()
    answered = patient.client.post(patient.url(question), {"ticket": behind, question: "yes"})
    assert answered["Location"].endswith("/help/")
    case = Case.objects.with_record().get()
    assert open_alarms(case) == ["safety.harm-others"]
    assert "identity.unverified" in {flag.issue.rule_id for flag in build_case_page(case).flags}
    assert urgent() == 1


def test_an_alarm_after_the_decision_opens_the_case_again(patient, clinic, staff):
    question, clinician = "thinking_of_hurting_someone_now", staff("clinician")
    patient.fill_in()
    behind = patient.client.get(patient.url(question)).context["ticket"]
    patient.submit()
    case, today = Case.objects.get(), clinic.today()
    claim_case(case.id, user=clinician)
    checked = {"identity_verified": "yes"}
    kind = ObservationKind.IDENTITY
    record_observation(case.id, user=clinician, kind=kind, facts=checked, note="", observed_on=today)
    shown = build_case_page(Case.objects.with_record().get()).shown_sha256
    sign_decision(case.id, user=clinician, outcome=Outcome.NOT_NOW, words="Not at this time.", shown_sha256=shown)
    patient.client.post(patient.url(question), {"ticket": behind, question: "yes"})
    assert Case.objects.get().status == CaseStatus.IN_REVIEW
    assert len(build_case_page(Case.objects.with_record().get()).decisions) == 1


def test_an_older_reading_of_staff_does_not_stand_over_a_newer_one(patient, clinic, staff):
    patient.answers["blood_pressure"] = {".systolic": "195", ".diastolic": "108"}
    patient.fill_in().submit()
    case = Case.objects.get()
    old = clinic.today().replace(year=clinic.today().year - 1)
    reading = {"systolic_mmhg": 120.0, "diastolic_mmhg": 80.0}
    kind = ObservationKind.BLOOD_PRESSURE
    record_observation(case.id, user=staff("clinician"), kind=kind, facts=reading, note="", observed_on=old)
    assert "cardiovascular.blood-pressure" in Case.objects.get().rule_ids


def test_what_staff_recorded_before_sending_counts_after_it(patient, clinic, staff):
    patient.fill_in()
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now=YES)
    case, today = Case.objects.get(), clinic.today()
    for kind, facts in (
        (ObservationKind.IDENTITY, {"identity_verified": "yes"}),
        (ObservationKind.BLOOD_PRESSURE, {"systolic_mmhg": 195.0, "diastolic_mmhg": 105.0}),
    ):
        record_observation(case.id, user=staff("clinician"), kind=kind, facts=facts, note="", observed_on=today)
    patient.submit()
    newest = case.assessments.filter(stage=Stage.SUBMITTED).get()
    listed = set(newest.issues.values_list("rule_id", flat=True))
    assert "cardiovascular.blood-pressure" in listed
    assert "identity.unverified" not in listed
