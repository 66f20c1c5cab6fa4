"""Alerts: each rule fires once, says nothing about anybody, and not before its time."""

import datetime

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from clinic_site.audit.alerts import NOTICES, most_within_an_hour, raise_alert
from clinic_site.audit.models import AuditEvent
from clinic_site.audit.sealing import Sealer
from clinic_site.audit.services import audit_event, record
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.worker import MOST_ATTEMPTS, deliver_waiting
from clinic_site.records.identifiers import reference
from tests.conftest import make_clinic, make_user

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


def notices(rule):
    return OutboxMessage.objects.filter(purpose=f"alert-{rule}")


@pytest.fixture
def reads(clinic, monkeypatch):
    """`reads(user, 3, minutes=10)`: three records read, one after another, within so many minutes."""

    def read(user, count, *, minutes, records=None, action="case.read"):
        records = records or [reference() for _ in range(count)]
        begun = timezone.now()
        for number, name in enumerate(records):
            moment = begun + datetime.timedelta(minutes=minutes * number / max(count - 1, 1))
            monkeypatch.setattr("django.utils.timezone.now", lambda moment=moment: moment)
            record([audit_event(action, clinic_id=clinic.id, user=user, reference=name)])

    return read


def test_break_glass_gives_one_notice_that_names_the_record_and_nobody(clinic, settings):
    settings.SECURITY_EMAIL = "privacy@riverside.example"
    user = make_user("clinician", clinic, name="Dr. Ada Example")
    record([audit_event("case.break-glass", clinic_id=clinic.id, user=user, reference="7QK2-M9XD", why="break-glass")])
    Sealer().run()
    Sealer().run()
    notice = notices("break-glass").get()
    assert (notice.recipient, notice.clinic) == ("privacy@riverside.example", clinic)
    assert "7QK2-M9XD" in notice.subject
    assert "Ada" not in notice.subject + notice.body


def test_every_break_glass_gives_a_notice_of_its_own(clinic):
    user = make_user("clinician", clinic)
    record([audit_event("case.break-glass", clinic_id=clinic.id, user=user, reference="7QK2-M9XD") for _ in range(2)])
    Sealer().run()
    assert notices("break-glass").count() == 2


def test_an_export_gives_one_notice(clinic):
    record([audit_event("case.exported", clinic_id=clinic.id, user=make_user("clinician", clinic))])
    Sealer().run()
    assert notices("export").count() == 1


@pytest.mark.parametrize(("count", "minutes", "told"), [(30, 59, 0), (31, 59, 1), (31, 62, 0), (60, 59, 1)])
def test_more_than_thirty_records_within_an_hour_give_one_notice(clinic, reads, count, minutes, told):
    reads(make_user("clinician", clinic), count, minutes=minutes)
    Sealer().run()
    assert notices("many-records").count() == told


def test_many_records_are_noticed_across_passes_of_the_worker_and_told_once(clinic, reads):
    user, sealer = make_user("clinician", clinic), Sealer()
    for _ in range(5):
        reads(user, 10, minutes=5)
        sealer.run()
    assert notices("many-records").count() == 1


def test_the_same_record_read_often_is_one_record(clinic, reads):
    reads(make_user("clinician", clinic), 50, minutes=30, records=["7QK2-M9XD"] * 50)
    Sealer().run()
    assert not notices("many-records").exists()


def test_two_people_who_read_twenty_each_are_no_alert(clinic, reads):
    for _ in range(2):
        reads(make_user("clinician", clinic), 20, minutes=5)
    Sealer().run()
    assert not notices("many-records").exists()


def test_lines_of_a_list_do_not_count_as_records_opened(clinic):
    user = make_user("clinician", clinic)
    record([audit_event("queue.read", clinic_id=clinic.id, user=user, listed=[reference() for _ in range(40)])])
    Sealer().run()
    assert not notices("many-records").exists()


@pytest.mark.parametrize(("times", "told"), [(4, 0), (5, 1), (12, 1)])
def test_five_references_that_are_not_found_within_an_hour_give_one_notice(clinic, signed_in, times, told):
    client = signed_in(make_user("clinician", clinic))
    for number in range(times):
        assert client.get(f"/review/0000-000{number % 10}/").status_code == 404
    Sealer().run()
    assert notices("not-found").count() == told


def test_cases_of_another_clinic_count_as_not_found(clinic, signed_in):
    """Refused like one that does not exist, and noticed like one."""
    client = signed_in(make_user("clinician", make_clinic("lakeside")))
    for _ in range(5):
        client.get("/review/7QK2-M9XD/")
    Sealer().run()
    assert notices("not-found").count() == 1


def test_a_message_that_is_given_up_gives_one_notice(clinic, monkeypatch):
    message = OutboxMessage.objects.create(
        clinic=clinic, purpose="new-case", recipient="a@b.example", subject="s", body="b", attempts=MOST_ATTEMPTS - 1
    )

    def refuse(self):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    deliver_waiting()
    event = AuditEvent.objects.get(action="message.given-up")
    assert (event.entity_id, event.detail) == (message.id, {"purpose": "new-case"})
    Sealer().run()
    assert notices("given-up").count() == 1


def test_a_notice_that_is_given_up_gives_no_further_one(clinic, monkeypatch):
    raise_alert("chain", "x", clinic_id=clinic.id)
    notices("chain").update(attempts=MOST_ATTEMPTS - 1)

    def refuse(self):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    deliver_waiting()
    Sealer().run()
    assert not notices("given-up").exists()


def test_an_alert_stands_in_the_trail_too(clinic):
    raise_alert("export", "x", clinic_id=clinic.id, reference="7QK2-M9XD")
    event = AuditEvent.objects.get(action="alert.raised")
    assert (event.detail, event.reference) == ({"rule": "export", "about": "x"}, "7QK2-M9XD")


def test_an_alert_of_the_installation_is_sent_by_the_first_clinic(clinic):
    raise_alert("chain", "x", clinic_id=None)
    assert notices("chain").get().clinic == clinic


def test_an_alert_is_logged_even_where_there_is_no_clinic_yet(db, caplog):
    raise_alert("chain", "x", clinic_id=None)
    assert "Alert: chain" in caplog.text


@pytest.mark.parametrize("rule", NOTICES)
def test_what_a_notice_says_is_neutral(rule):
    words = f"{NOTICES[rule].subject} {NOTICES[rule].body}".lower()
    for said in ("patient", "ketamine", "clinic", "answer", "medic", "treat", "intake"):
        assert said not in words


def test_the_worker_seals_alerts_and_sends_in_one_go(clinic):
    record([audit_event("case.exported", clinic_id=clinic.id, user=make_user("clinician", clinic))])
    call_command("worker", "--once")
    call_command("worker", "--once")
    assert [message.subject for message in mail.outbox] == ["To check: data were taken out"]


@pytest.mark.parametrize(
    ("minutes", "most"), [([], 0), ([0], 1), ([0, 59, 61], 2), ([0, 60], 1), ([0, 10, 20, 70, 75], 3)]
)
def test_the_most_within_an_hour_is_counted_over_every_hour(minutes, most):
    seen = [(NOON + datetime.timedelta(minutes=m), str(m)) for m in minutes]
    assert most_within_an_hour(seen) == most
