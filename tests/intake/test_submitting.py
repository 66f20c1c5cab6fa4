"""Sending the form: what must be there, what is kept, and what the database refuses afterwards."""

import datetime
from hashlib import sha256
from unittest import mock

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from intake.models import Consent, ConsentDecision, Patient, QuestionnaireResponse, ResponseStatus
from intake.published import questionnaire_of
from screening.models import Assessment, Case, DetectedIssue, RuleSetVersion
from tests.conftest import owner_of_tables, shipped_questionnaire
from tests.intake.drafts import filled
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

SIGNATURES = [page.item for page in shipped_questionnaire().pages if page.item.type == "signature"]
REQUIRED_CONSENTS = [item.link_id for item in SIGNATURES if item.consent]
# What everybody is asked to sign and may decline.
OPTIONAL_SIGNATURES = [item.link_id for item in SIGNATURES if item.may_decline and not item.enable_when]


@pytest.fixture
def patient(published, clinic) -> PatientBrowser:
    return PatientBrowser(clinic)


@pytest.fixture
def ready(published, clinic) -> PatientBrowser:
    """Somebody who has filled in everything and not sent it."""
    return filled(clinic)


def links_of(answered) -> list[str]:
    return [href for href, _text in answered.context["problems"]]


# ── what must be there ─────────────────────────────────────────────────────────────────────────────────────────────


def test_there_are_consents_to_sign():
    assert len(REQUIRED_CONSENTS) >= 5
    assert OPTIONAL_SIGNATURES == ["privacy_notice_acknowledgment", "records_request_consent"]


@pytest.mark.parametrize("link_id", REQUIRED_CONSENTS)
@pytest.mark.parametrize(
    "posted",
    [{".agree": ""}, {".agree": "declined", ".name": "Sam Sample"}, {".agree": "signed"}],
    ids=["blank", "declined", "no name"],
)
def test_a_consent_that_is_not_signed_stops_the_sending_with_a_link_to_it(ready, link_id, posted):
    assert ready.save(link_id, **{link_id: posted}).status_code == 422
    answered = ready.submit()
    assert answered.status_code == 422
    assert links_of(answered) == [ready.url(link_id) + "?change=1"]
    assert ready.response.is_draft
    assert not Consent.objects.exists()
    assert not Case.objects.exists()


def test_an_empty_draft_is_refused_with_everything_that_is_missing(patient):
    answered = patient.submit()
    assert answered.status_code == 422
    needed = {*REQUIRED_CONSENTS, *OPTIONAL_SIGNATURES, "date_of_birth", "legal_given_name", "legal_family_name",
              "phone", "emergency_contact_name", "state_now", "current_location"}  # fmt: skip
    assert {patient.url(name) + "?change=1" for name in needed} <= set(links_of(answered))
    assert all(patient.client.get(link).status_code == 200 for link in set(links_of(answered)))


@pytest.mark.parametrize("link_id", OPTIONAL_SIGNATURES)
def test_what_may_be_declined_is_kept_as_declined(patient, link_id):
    patient.answers[link_id] = {".agree": "declined", ".name": ""}
    assert patient.fill_in().submit().status_code == 303
    decisions = dict(Consent.objects.values_list("link_id", "decision"))
    assert decisions.pop(link_id) == ConsentDecision.DENY
    assert set(decisions) == {*REQUIRED_CONSENTS, *OPTIONAL_SIGNATURES} - {link_id}
    assert set(decisions.values()) == {ConsentDecision.PERMIT}


@pytest.mark.parametrize("link_id", OPTIONAL_SIGNATURES)
def test_what_may_be_declined_may_not_be_left_out(ready, link_id):
    ready.save(link_id, **{link_id: {".agree": ""}})
    assert ready.submit().status_code == 422


def test_health_questions_may_be_sent_unanswered(patient):
    required = [item.link_id for item in shipped_questionnaire().questions.values() if item.required]
    for link_id in required:
        page = shipped_questionnaire().page_of[link_id]
        if not page.item.enable_when:
            patient.save(link_id)
    assert patient.submit().status_code == 303
    assert patient.response.status == ResponseStatus.COMPLETED
    assert DetectedIssue.objects.filter(status="unresolved").exists()


@pytest.mark.parametrize("key", ["", "nonsense", "1" * 5000])
def test_a_broken_key_sends_nothing_and_shows_the_answers_again(ready, key):
    answered = ready.client.post(f"/intake/{ready.public_id}/submit/", {"idempotency_key": key})
    assert answered.status_code == 400
    assert "Sam" in answered.content.decode()
    assert ready.response.is_draft


def test_opening_the_submit_address_sends_nothing(ready):
    assert ready.client.get(f"/intake/{ready.public_id}/submit/").status_code == 405
    assert ready.response.is_draft


def test_somebody_under_age_can_not_send(ready):
    year = str(ready.clinic.today().year - 10)
    ready.save("date_of_birth", date_of_birth={".month": "1", ".day": "1", ".year": year})
    answered = ready.client.post(
        f"/intake/{ready.public_id}/submit/", {"idempotency_key": "0190b0c8-0000-7000-8000-000000000000"}
    )
    assert answered["Location"].endswith("/call/")
    assert ready.response.is_draft


# ── questions about right now ──────────────────────────────────────────────────────────────────────────────────────


def later(**ago: float):
    """The clock moved on by so much."""
    moment = timezone.now() + datetime.timedelta(**ago)
    return mock.patch("django.utils.timezone.now", return_value=moment)


def test_answers_about_right_now_must_be_given_again_after_a_day(ready):
    document = ready.response.document()
    right_now = [
        i.link_id for i in shipped_questionnaire().questions.values() if i.right_now and document.get(i.link_id)
    ]
    assert len(right_now) >= 4
    with later(hours=24, minutes=5):
        ready.wake()
        answered = ready.submit()
        assert answered.status_code == 422
        assert set(links_of(answered)) == {ready.url(link_id) + "?change=1" for link_id in right_now}
        for link_id in right_now:
            assert ready.save(link_id).status_code == 303
        assert ready.submit().status_code == 303


def test_answers_about_right_now_hold_for_a_day(ready):
    with later(hours=23):
        ready.wake()
        assert ready.submit().status_code == 303


# ── what is kept ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_sending_keeps_the_response_the_consents_the_case_and_their_trail(ready):
    assert ready.submit().status_code == 303
    response = ready.response
    assert (response.status, response.submitted_at is not None) == (ResponseStatus.COMPLETED, True)
    assert Consent.objects.filter(response=response).count() == len(REQUIRED_CONSENTS + OPTIONAL_SIGNATURES)
    assert Patient.objects.get().response_id == response.id
    assert Case.objects.get().response_id == response.id
    assert Assessment.objects.get().rule_set == RuleSetVersion.objects.get()
    assert AuditEvent.objects.filter(action="response.submitted").count() == 1
    assert OutboxMessage.objects.filter(purpose="new-case").count() == 1


def test_a_consent_keeps_the_hash_of_the_text_that_was_shown(ready):
    ready.submit()
    item = questionnaire_of(ready.response).questions["telehealth_consent"]
    assert item.full_text["en"]
    shown = "\n\n".join(text["en"] for text in (item.body, item.full_text, item.statement))
    consent = Consent.objects.get(link_id="telehealth_consent")
    assert consent.text_hash == sha256(shown.encode()).hexdigest()
    assert (consent.version, consent.language) == (item.version, "en")
    name = ready.response.data_key.unseal(consent.signature, row=consent, label="consent.signature")
    assert name == "Sam Sample"


def test_the_consent_about_the_emergency_contact_is_kept_when_it_was_asked(patient):
    patient.answers["emergency_contact_may_know"] = {"": "yes"}
    patient.fill_in().submit()
    assert Consent.objects.filter(link_id="emergency_contact_disclosure_consent").count() == 1


def test_sending_twice_changes_nothing(ready):
    first = ready.submit()
    before = ready.response
    again = ready.client.post(
        f"/intake/{ready.public_id}/submit/", {"idempotency_key": "0190b0c8-0000-7000-8000-000000000000"}
    )
    assert (again.status_code, again["Location"]) == (303, first["Location"])
    after = ready.response
    assert (after.submitted_at, after.idempotency_key) == (before.submitted_at, before.idempotency_key)
    assert Case.objects.count() == Assessment.objects.count() == Patient.objects.count() == 1
    assert OutboxMessage.objects.count() == 1


# ── when screening fails ───────────────────────────────────────────────────────────────────────────────────────────

BREAKS = ["screening.assessments.facts_from_response", "screening.assessments.assess", "screening.assessments.current_rule_set"]  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("error", [RuntimeError, ZeroDivisionError, MemoryError], ids=lambda error: error.__name__)
def test_whatever_goes_wrong_in_screening_the_submission_is_kept_and_flagged(ready, broken, error):
    with mock.patch(broken, side_effect=error("broken")):
        assert ready.submit().status_code == 303
    assert not ready.response.is_draft
    flag = DetectedIssue.objects.get()
    assert (flag.rule_id, flag.status, flag.hold) == ("assessment.failed", "error", True)
    assert OutboxMessage.objects.filter(purpose="assessment-error").count() == 1


def test_a_submission_without_published_rules_is_kept_and_flagged(ready):
    RuleSetVersion.objects.update(status="retired")
    assert ready.submit().status_code == 303
    assert DetectedIssue.objects.get().rule_id == "assessment.failed"


# ── what the database refuses ──────────────────────────────────────────────────────────────────────────────────────

FROZEN_ROWS = [
    "UPDATE intake_questionnaireresponse SET answers = ''",
    "UPDATE intake_questionnaireresponse SET status = 'in-progress', submitted_at = NULL, idempotency_key = NULL",
    "DELETE FROM intake_questionnaireresponse",
    "UPDATE intake_consent SET decision = 'deny'",
    "DELETE FROM intake_consent",
    "UPDATE intake_patient SET identity = ''",
    "DELETE FROM intake_patient",
    "UPDATE audit_auditevent SET action = 'nothing'",
    "DELETE FROM audit_auditevent",
    "UPDATE screening_assessment SET highest_tier = 'none'",
    "DELETE FROM screening_detectedissue",
]


@pytest.mark.parametrize("statement", FROZEN_ROWS)
def test_the_database_refuses_to_change_or_delete_what_was_sent(ready, statement):
    ready.submit()
    with (
        owner_of_tables(),
        pytest.raises(DatabaseError, match="Cannot (update|delete) rows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_draft_can_still_be_changed(patient):
    patient.save("date_of_birth")
    assert QuestionnaireResponse.objects.update(language="en") == 1


TRUNCATED = ["intake_questionnaireresponse", "intake_consent", "intake_patient", "audit_auditevent", "screening_decision"]  # fmt: skip


@pytest.mark.parametrize("table", TRUNCATED)
def test_the_database_refuses_to_empty_a_table_of_record(db, table):
    with owner_of_tables(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid"
            " WHERE relname = %s AND tgname LIKE %s",
            [table, "pgtrigger_no_truncate%"],
        )
        (trigger,) = cursor.fetchone()
        # Tests run with these triggers off, so that tables can be emptied between them.
        cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER "{trigger}"')
        with pytest.raises(DatabaseError, match="Cannot truncate rows"), transaction.atomic():
            cursor.execute(f'TRUNCATE "{table}" CASCADE')
        transaction.set_rollback(True)
