"""Drafts that nobody went on with are removed, with the key of the record; nothing else is."""

import datetime
from io import StringIO
from unittest import mock

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from clinic_site.encryption.models import DataKey
from intake.models import QuestionnaireResponse, ReturnKey
from intake.purging import purge_drafts
from screening.models import Case
from tests.conftest import make_clinic
from tests.intake.drafts import filled
from tests.intake.returning import with_ways
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db


def later(**ahead: float):
    return mock.patch("django.utils.timezone.now", return_value=timezone.now() + datetime.timedelta(**ahead))


@pytest.fixture
def draft(published, clinic) -> PatientBrowser:
    patient = PatientBrowser(clinic)
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    return patient


def test_a_draft_is_kept_for_thirty_days_after_it_was_saved_last(draft):
    with later(days=29, hours=23):
        assert purge_drafts() == 0
    with later(days=30, minutes=1):
        assert purge_drafts() == 1
    assert not QuestionnaireResponse.objects.exists()


def test_going_on_starts_the_thirty_days_anew(draft):
    with later(days=20):
        draft.wake()
        draft.save("other_allergies", other_allergies={"": "latex"})
    with later(days=45):
        assert purge_drafts() == 0


def test_a_draft_that_was_never_saved_goes_after_a_day(published, clinic):
    PatientBrowser(clinic)
    with later(hours=23, minutes=59):
        assert purge_drafts() == 0
    with later(hours=24, minutes=1):
        assert purge_drafts() == 1


def test_the_key_of_the_record_and_the_ways_back_go_with_the_draft(published, clinic):
    with_ways(clinic)
    with later(days=31):
        purge_drafts()
    assert not DataKey.objects.exists()
    assert not ReturnKey.objects.exists()


def test_the_audit_keeps_the_number_by_clinic_and_nothing_else(draft):
    other = make_clinic("hillside")
    PatientBrowser(other)
    PatientBrowser(other)
    with later(days=31):
        purge_drafts()
    events = AuditEvent.objects.filter(action="drafts.purged")
    assert {event.clinic_id: event.detail for event in events} == {
        draft.clinic.id: {"count": 1},
        other.id: {"count": 2},
    }
    assert {event.entity_id for event in events} == {None}


def test_a_draft_that_became_a_case_and_a_form_that_was_sent_stay(published, clinic):
    danger = PatientBrowser(clinic, {"thinking_of_hurting_someone_now": {"": "yes"}})
    danger.fill_in(until="thinking_of_hurting_someone_now").save("thinking_of_hurting_someone_now")
    sent = filled(clinic)
    sent.submit()
    assert Case.objects.count() == 2
    with later(days=400):
        assert purge_drafts() == 0
    assert QuestionnaireResponse.objects.count() == 2
    assert danger.response.document().value("legal_given_name") == "Sam"


def test_a_second_run_removes_nothing_and_writes_nothing(draft):
    with later(days=31):
        purge_drafts()
        events = AuditEvent.objects.count()
        assert purge_drafts() == 0
    assert AuditEvent.objects.count() == events


def test_more_drafts_than_one_batch_all_go_past_those_that_stay(published, clinic):
    danger = PatientBrowser(clinic, {"thinking_of_hurting_someone_now": {"": "yes"}})
    danger.fill_in(until="thinking_of_hurting_someone_now").save("thinking_of_hurting_someone_now")
    for _number in range(5):
        PatientBrowser(clinic)
    with later(days=31), mock.patch("intake.purging._BATCH", 2):
        assert purge_drafts() == 5


def test_a_run_that_stops_in_the_middle_leaves_whole_records_and_is_finished_by_the_next(published, clinic):
    for _number in range(4):
        PatientBrowser(clinic)
    real = DataKey.delete
    stop = mock.Mock(side_effect=[None, None, KeyboardInterrupt])

    def delete(key: DataKey) -> None:
        stop()
        real(key)

    with later(days=31), mock.patch("intake.purging._BATCH", 2):
        with mock.patch.object(DataKey, "delete", delete), pytest.raises(KeyboardInterrupt):
            purge_drafts()
        assert QuestionnaireResponse.objects.count() == DataKey.objects.count() == 2
        assert purge_drafts() == 2


def test_the_command_says_how_many_went(draft):
    printed = StringIO()
    with later(days=31):
        call_command("purge_drafts", stdout=printed)
    assert printed.getvalue() == "Removed 1 old drafts.\n"


def test_a_frozen_response_can_not_be_removed_even_by_hand(published, clinic):
    sent = filled(clinic)
    sent.submit()
    with pytest.raises(Exception, match="Cannot delete"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM intake_questionnaireresponse WHERE public_id = %s", [sent.public_id])


# ── the worker ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_worker_sends_links_and_reminders_and_removes_old_drafts():
    assert set(settings.WORKER_JOBS) >= {
        "intake.return_mail.send_links", "intake.return_mail.send_reminders", "intake.purging.purge_drafts",
    }  # fmt: skip
