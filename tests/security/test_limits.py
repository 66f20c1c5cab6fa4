"""Floods: what one network and one draft may do in an hour, whoever they say they are."""

import datetime
import threading

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from clinic_site.limits import services
from intake.models import QuestionnaireResponse
from tests.patients import PatientBrowser

START = "/at/riverside/"
LATER = datetime.timedelta(hours=1, minutes=1)


@pytest.fixture
def at_home(published, clinic):
    """`at_home(forwarded)` presses the button of the start page in one and the same home, with another header each time."""
    return lambda forwarded="": Client(REMOTE_ADDR="203.0.113.7").post(START, headers={"x-forwarded-for": forwarded})


def test_one_network_starts_twenty_intakes_an_hour_and_is_then_asked_to_wait(at_home, monkeypatch):
    answers = [at_home().status_code for _ in range(21)]
    assert answers == [302] * 20 + [429]
    assert QuestionnaireResponse.objects.count() == 20
    later = timezone.now() + LATER
    monkeypatch.setattr(services.timezone, "now", lambda: later)
    assert at_home().status_code == 302


def test_the_page_that_asks_to_wait_shows_the_crisis_lines_and_starts_nothing(at_home, settings):
    settings.DRAFTS_PER_HOUR = 0
    answer = at_home()
    assert answer.status_code == 429
    assert 'href="tel:988"' in answer.content.decode()
    assert "That was too often in a short time" in answer.content.decode()
    assert not QuestionnaireResponse.objects.exists()


def test_a_forged_header_makes_no_new_network(at_home):
    assert [at_home(f"198.51.100.{n}").status_code for n in range(21)] == [302] * 20 + [429]


def test_the_next_house_is_not_kept_waiting(at_home, clinic):
    for _ in range(21):
        at_home()
    assert Client(REMOTE_ADDR="203.0.113.8").post(START).status_code == 302


def test_behind_our_proxy_each_patient_is_counted_alone(published, clinic, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.2"]
    through = [
        Client(REMOTE_ADDR="10.0.0.2").post(START, headers={"x-forwarded-for": f"203.0.113.{n}"}) for n in range(25)
    ]
    assert {answer.status_code for answer in through} == {302}


def test_the_addresses_of_one_ipv6_customer_are_one_network(published, clinic):
    starts = [Client(REMOTE_ADDR=f"2001:db8:0:1::{n:x}").post(START).status_code for n in range(1, 22)]
    assert starts == [302] * 20 + [429]


def test_looking_at_the_start_page_stores_nothing_however_often(published, clinic):
    events = AuditEvent.objects.count()
    assert {Client().get(START).status_code for _ in range(50)} == {200}
    assert not QuestionnaireResponse.objects.exists()
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db(transaction=True)
def test_starts_at_the_same_moment_are_all_counted(at_home):
    answers, gate = [], threading.Barrier(8)

    def press():
        gate.wait()
        try:
            answers.extend(at_home().status_code for _ in range(4))
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302] * 20 + [429] * 12


class TestPaceOfOneDraft:
    @pytest.fixture
    def patient(self, published, clinic):
        return PatientBrowser(clinic)

    def saved(self, patient, revision, **since):
        QuestionnaireResponse.objects.update(revision=revision, started_at=timezone.now() - datetime.timedelta(**since))
        return patient.save("legal_given_name").status_code

    def test_a_program_that_saves_without_end_is_asked_to_wait_and_nothing_is_lost(self, patient):
        assert self.saved(patient, 520) == 429
        assert (
            "What you typed should still be there"
            in patient.client.post(patient.url("legal_given_name"), {}).content.decode()
        )
        assert patient.response.revision == 520

    def test_it_may_go_on_after_a_while(self, patient):
        assert self.saved(patient, 500, hours=1) == 303

    def test_somebody_who_is_fast_is_never_stopped(self, patient):
        assert self.saved(patient, 499) == 303

    def test_whoever_does_not_hold_the_draft_learns_nothing_of_its_pace(self, patient):
        QuestionnaireResponse.objects.update(revision=10_000)
        assert Client().post(patient.url("legal_given_name"), {}).status_code == 404


def test_the_limit_can_be_raised_for_a_clinic_whose_patients_share_a_network():
    assert project.DRAFTS_PER_HOUR == 20
