"""The outbox: what waits is sent, once, and later when it could not be."""

import datetime
import smtplib
import threading

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from clinic_site.messaging import worker
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.worker import MOST_ATTEMPTS, deliver_waiting
from tests.conftest import make_clinic

pytestmark = pytest.mark.django_db


def put(clinic, number=1):
    return OutboxMessage.objects.create(
        clinic=clinic, purpose="test", recipient="on-call@clinic.example", subject=f"Message {number}", body="Look."
    )


@pytest.fixture
def broken_mail(monkeypatch):
    """Mail that refuses every message, or only those with the given subject."""
    send = EmailMessage.send

    def refuse(only=None, error=ConnectionRefusedError):
        def failing(self, *args):
            if only in (None, self.subject):
                raise error
            return send(self, *args)

        monkeypatch.setattr(EmailMessage, "send", failing)

    return refuse


def later(monkeypatch, **delta):
    moment = timezone.now() + datetime.timedelta(**delta)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_a_waiting_message_is_sent_once(clinic):
    message = put(clinic)
    assert [deliver_waiting(), deliver_waiting()] == [1, 0]
    (sent,) = mail.outbox
    assert (sent.subject, sent.body, sent.to) == ("Message 1", "Look.", ["on-call@clinic.example"])
    message.refresh_from_db()
    assert message.sent_at is not None


@pytest.mark.parametrize("error", [ConnectionRefusedError, TimeoutError, smtplib.SMTPServerDisconnected])
def test_a_message_that_could_not_be_sent_is_tried_again_later(clinic, broken_mail, monkeypatch, error):
    message = put(clinic)
    broken_mail(error=error)
    deliver_waiting()
    message.refresh_from_db()
    assert (message.sent_at, message.attempts) == (None, 1)
    assert message.next_attempt_at > timezone.now()
    monkeypatch.undo()
    assert deliver_waiting() == 0
    later(monkeypatch, minutes=1)
    assert deliver_waiting() == 1
    assert len(mail.outbox) == 1


def test_each_failure_waits_longer_and_never_more_than_an_hour(clinic, broken_mail, monkeypatch):
    message, waits = put(clinic), []
    broken_mail()
    for _ in range(MOST_ATTEMPTS):
        later(monkeypatch, hours=2)
        deliver_waiting()
        message.refresh_from_db()
        waits.append(message.next_attempt_at - timezone.now())
    assert waits == sorted(waits)
    assert waits[0] < datetime.timedelta(minutes=1)
    assert waits[-1] <= datetime.timedelta(hours=1)


def test_a_message_that_failed_ten_times_stays_and_is_left_alone(clinic, broken_mail, monkeypatch):
    message = put(clinic)
    OutboxMessage.objects.update(attempts=MOST_ATTEMPTS)
    later(monkeypatch, days=1)
    assert deliver_waiting() == 0
    message.refresh_from_db()
    assert (message.sent_at, message.attempts) == (None, MOST_ATTEMPTS)


def test_one_message_that_fails_does_not_hold_up_the_others(clinic, broken_mail):
    for number in range(3):
        put(clinic, number)
    broken_mail(only="Message 1")
    deliver_waiting()
    assert [message.subject for message in mail.outbox] == ["Message 0", "Message 2"]


def test_the_log_names_the_message_and_not_its_receiver(clinic, broken_mail, caplog):
    message = put(clinic)
    broken_mail()
    deliver_waiting()
    assert str(message.id) in caplog.text
    assert "on-call@clinic.example" not in caplog.text


def test_more_than_one_batch_is_sent_in_one_go(clinic):
    for number in range(45):
        put(clinic, number)
    call_command("deliver_messages", "--once")
    assert len(mail.outbox) == 45


def test_a_batch_that_fails_does_not_hold_up_the_next_one(clinic, broken_mail, monkeypatch):
    for number in range(25):
        put(clinic, number)
    OutboxMessage.objects.filter(subject__in=[f"Message {number}" for number in range(20)]).update(subject="Broken")
    broken_mail(only="Broken")
    call_command("deliver_messages", "--once")
    assert len(mail.outbox) == 5


def test_a_message_is_part_of_the_transaction_of_its_cause(clinic):
    with transaction.atomic():
        put(clinic)
        transaction.set_rollback(True)
    assert deliver_waiting() == 0
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_send_the_same_message(monkeypatch):
    clinic = make_clinic("riverside")
    for number in range(6):
        put(clinic, number)
    both_hold_a_batch, deliver = threading.Barrier(2, timeout=20), worker._deliver
    first_of_thread, counts, guard = set(), [], threading.Lock()

    def deliver_together(message):
        if threading.get_ident() not in first_of_thread:
            first_of_thread.add(threading.get_ident())
            both_hold_a_batch.wait()
        deliver(message)

    def work():
        try:
            sent = deliver_waiting()
            with guard:
                counts.append(sent)
        finally:
            connection.close()

    monkeypatch.setattr(worker, "_BATCH", 3)
    monkeypatch.setattr(worker, "_deliver", deliver_together)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert counts == [3, 3]
    assert sorted(message.subject for message in mail.outbox) == [f"Message {number}" for number in range(6)]
