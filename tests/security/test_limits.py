"""Floods: what one network and one draft may do in an hour, whoever they say they are."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from clinic_site.limits import services
from clinic_site.messaging.models import OutboxMessage
from intake.models import LinkRequest, QuestionnaireResponse
from tests.conftest import make_clinic
from tests.patients import PatientBrowser

START = "/at/riverside/"
LATER = datetime.timedelta(hours=1, minutes=1)


@pytest.fixture
def at_home(published, clinic):
    """`at_home(forwarded)` presses the button of the start page in one and the same home, with another header each time."""
    return lambda forwarded="": Client(REMOTE_ADDR="203.0.113.7").post(START, headers={"x-forwarded-for": forwarded})


@pytest.fixture
def at_once():
    """`at_once(8, press)`: what `press(0)` to `press(7)` return when eight threads begin at the same moment."""

    def run(count, press):
        gate = threading.Barrier(count)

        def one(number):
            gate.wait()
            try:
                return press(number)
            finally:
                connection.close()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    return run


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
def test_starts_at_the_same_moment_are_all_counted(at_home, at_once):
    answers = at_once(8, lambda _n: [at_home().status_code for _ in range(4)])
    assert sorted(status for own in answers for status in own) == [302] * 20 + [429] * 12


class TestTheWholeInstallation:
    """A flood that comes from many networks, each of which stays below its own limit."""

    @pytest.fixture(autouse=True)
    def _small(self, published, clinic, settings):
        settings.DRAFTS_PER_HOUR_IN_ALL = settings.LINKS_PER_HOUR_IN_ALL = 6

    def start(self, number, slug="riverside"):
        return Client(REMOTE_ADDR=f"203.0.113.{number}").post(f"/at/{slug}/").status_code

    def ask(self, number):
        return Client(REMOTE_ADDR=f"203.0.113.{number}").post(
            "/at/riverside/continue/", {"email": f"sam{number}@example.com"}
        )

    def notices(self):
        return OutboxMessage.objects.filter(purpose="alert-in-all").count()

    def test_starts_are_limited_for_all_clinics_together_and_the_operator_hears_of_it_once(self, monkeypatch):
        make_clinic("lakeside")
        assert [self.start(n, ("riverside", "lakeside")[n % 2]) for n in range(9)] == [302] * 6 + [429] * 3
        assert self.notices() == 1
        assert AuditEvent.objects.get(action="alert.raised").detail == {"rule": "in-all", "about": "draft"}
        later = timezone.now() + LATER
        monkeypatch.setattr(services.timezone, "now", lambda: later)
        assert [self.start(n) for n in range(8)] == [302] * 6 + [429] * 2
        assert self.notices() == 2

    def test_requests_for_links_are_limited_whatever_addresses_they_name(self):
        asked = [self.ask(n) for n in range(8)]
        assert [answer.status_code for answer in asked] == [200] * 6 + [429] * 2
        assert "Or call us" in asked[-1].content.decode()
        assert LinkRequest.objects.count() == 6
        assert self.notices() == 1

    def test_one_network_alone_does_not_use_it_up(self, settings):
        settings.DRAFTS_PER_HOUR = 3
        assert [self.start(1) for _ in range(9)] == [302] * 3 + [429] * 6
        assert [self.start(n) for n in (2, 3, 4)] == [302] * 3
        assert self.notices() == 0

    def test_whoever_has_a_draft_saves_and_submits_as_ever(self, clinic):
        patient = PatientBrowser(clinic)
        assert [self.start(n) for n in range(7)][-1] == 429
        assert self.ask(1).status_code == 200
        assert patient.save("legal_given_name").status_code == 303
        assert patient.fill_in().submit().status_code == 303

    @pytest.mark.django_db(transaction=True)
    def test_starts_at_the_same_moment_are_all_counted_and_one_notice_goes_out(self, at_once):
        answers = at_once(16, self.start)
        assert sorted(answers) == [302] * 6 + [429] * 10
        assert self.notices() == 1


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


def test_the_limits_are_far_above_what_people_do():
    assert (project.DRAFTS_PER_HOUR, project.DRAFTS_PER_HOUR_IN_ALL, project.LINKS_PER_HOUR_IN_ALL) == (20, 2000, 1000)
