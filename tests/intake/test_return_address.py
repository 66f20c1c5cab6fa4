"""A changed address: the one of before is told and gets the links for a day more."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from intake.models import LinkRequest, ReturnKey
from intake.return_mail import send_links, send_reminders, tell_old_addresses
from tests.conftest import make_clinic, publish_shipped_content
from tests.intake.returning import ADDRESS, SECOND, ask, choose, open_draft, read_mail, with_ways
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db
NEW, NEWER = "other@example.com", "third@example.com"


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def clinic(published, clinic):
    return clinic


def later(**ahead: float):
    return mock.patch("django.utils.timezone.now", return_value=timezone.now() + datetime.timedelta(**ahead))


def answer_email(patient: PatientBrowser, address: str) -> None:
    assert patient.save("phone", email={"": address}).status_code in (303, 422)


def told() -> list[str]:
    """Who got a mail now, of all that was due."""
    mail.outbox.clear()
    while tell_old_addresses():
        pass
    return [recipient for message in mail.outbox for recipient in message.to]


def links_go_to(clinic, *, asked: str) -> list[str]:
    mail.outbox.clear()
    ask(clinic, asked)
    send_links()
    return [recipient for message in mail.outbox for recipient in message.to]


def test_the_old_address_is_told_once_of_a_new_one_and_nobody_else(clinic):
    patient, _code = with_ways(clinic)
    assert told() == []
    answer_email(patient, NEW)
    assert told() == [ADDRESS]
    assert told() == []
    assert AuditEvent.objects.filter(action="response.return-address-changed").count() == 1


def test_the_notice_names_nobody_and_holds_neither_address_nor_token(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    told()
    text = f"{mail.outbox[0].subject} {mail.outbox[0].body}".lower()
    assert "/at/riverside/continue/\n" in text
    unwanted = ("quixot", "sam", NEW, "#", clinic.name.lower(), "clinic", "treat", "health", "patient", "intake")
    assert [word for word in unwanted if word in text] == []


@pytest.mark.parametrize("asked", [ADDRESS, NEW])
def test_for_a_day_links_go_to_the_old_address_whichever_is_typed(clinic, asked):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    with later(hours=23, minutes=59):
        assert links_go_to(clinic, asked=asked) == [ADDRESS]


def test_after_a_day_links_and_reminders_go_to_the_new_address_only(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    with later(hours=24, minutes=1):
        assert links_go_to(clinic, asked=ADDRESS) == []
        assert links_go_to(clinic, asked=NEW) == [NEW]
        token, _code = read_mail()
        assert open_draft(clinic, token=token).status_code == 303
    with later(days=4):
        mail.outbox.clear()
        send_reminders()
        assert [message.to for message in mail.outbox] == [[NEW]]


def test_reminders_alone_notice_that_the_day_is_over(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    with later(days=4):
        send_reminders()
    assert mail.outbox[-1].to == [NEW]


def test_the_owner_of_the_old_address_opens_the_form_and_puts_it_right(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    assert links_go_to(clinic, asked=ADDRESS) == [ADDRESS]
    token, _code = read_mail()
    assert open_draft(clinic, patient.client, token=token).status_code == 303
    answer_email(patient, ADDRESS)
    with later(days=2):
        assert links_go_to(clinic, asked=NEW) == []
        assert links_go_to(clinic, asked=ADDRESS) == [ADDRESS]


def test_another_change_within_the_day_begins_it_anew_and_tells_the_first_address_no_second_time(clinic):
    patient, code = with_ways(clinic)
    answer_email(patient, NEW)
    assert told() == [ADDRESS]
    with later(hours=20):
        open_draft(clinic, patient.client, code=code)
        answer_email(patient, NEWER)
        assert told() == []
    with later(hours=30):
        assert links_go_to(clinic, asked=NEW) == []
        assert links_go_to(clinic, asked=NEWER) == [ADDRESS]
    with later(hours=45):
        assert links_go_to(clinic, asked=NEWER) == [NEWER]


def test_an_address_that_held_for_a_day_is_told_of_the_next_one(clinic):
    patient, code = with_ways(clinic)
    answer_email(patient, NEW)
    told()
    with later(hours=25):
        open_draft(clinic, patient.client, code=code)
        answer_email(patient, NEWER)
        assert told() == [NEW]
        assert links_go_to(clinic, asked=NEWER) == [NEW]


def test_a_form_whose_address_goes_to_and_fro_sends_three_notices_an_hour(clinic):
    patient, _code = with_ways(clinic)
    notices = []
    for _round in range(5):
        answer_email(patient, NEW)
        notices += told()
        answer_email(patient, ADDRESS)
    assert notices == [ADDRESS] * 3


@pytest.mark.parametrize("typed", ["", "sam@", "SAM.Quixote@example.com"])
def test_an_address_left_blank_unreadable_or_in_other_capitals_changes_nothing(clinic, typed):
    patient, _code = with_ways(clinic)
    answer_email(patient, typed)
    assert told() == []
    assert len(links_go_to(clinic, asked=ADDRESS)) == 1
    answer_email(patient, NEW)
    assert len(told()) == 1


def test_an_address_chosen_anew_on_the_page_about_coming_back_waits_as_well(clinic):
    patient, _code = with_ways(clinic, on_paper="1")
    answer_email(patient, ADDRESS)
    assert "For 24 hours" not in choose(patient, by_mail="1", current=SECOND).content.decode()
    answer_email(patient, NEW)
    kept = choose(patient, by_mail="1", current=SECOND)
    assert "For 24 hours" in kept.content.decode()
    assert "For 24 hours" in patient.client.get(f"/intake/{patient.public_id}/return/").content.decode()
    assert told() == [ADDRESS]
    assert links_go_to(clinic, asked=NEW) == [ADDRESS]


def test_whoever_wants_no_mail_any_more_gets_none_at_once(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    assert choose(patient, on_paper="1", current=SECOND).status_code == 200
    assert told() == []
    assert links_go_to(clinic, asked=ADDRESS) == links_go_to(clinic, asked=NEW) == []
    with later(days=2):
        assert links_go_to(clinic, asked=NEW) == []


def test_who_comes_back_with_paper_only_gets_no_mail_of_a_change(clinic):
    patient, _code = with_ways(clinic, on_paper="1")
    answer_email(patient, NEW)
    assert told() == []
    assert links_go_to(clinic, asked=NEW) == []


def test_a_mail_server_that_is_away_is_tried_again_for_an_hour_and_the_day_goes_on(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    with mock.patch("intake.return_mail.EmailMessage.send", side_effect=ConnectionRefusedError):
        assert tell_old_addresses() == 0
    with later(minutes=50):
        assert told() == [ADDRESS]
    answer_email(patient, ADDRESS)
    answer_email(patient, NEW)
    with later(minutes=70):
        assert told() == []


def test_wrong_codes_count_against_the_link_when_the_new_address_was_typed(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    asked = ask(clinic, NEW).context["asked"]
    send_links()
    token, _code = read_mail()
    for _try in range(5):
        open_draft(clinic, code="ABCD-EFGH", asked=asked)
    assert open_draft(clinic, token=token).status_code == 422


def test_neither_address_stands_readable_in_the_row(clinic):
    patient, _code = with_ways(clinic)
    answer_email(patient, NEW)
    row = ReturnKey.objects.values().get()
    text = "".join(bytes(value).decode("latin-1") for value in row.values() if isinstance(value, bytes | memoryview))
    assert NEW not in text
    assert ADDRESS not in text
    assert not LinkRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_leave_one_that_waits_and_one_notice(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    publish_shipped_content()
    clinic = make_clinic("riverside")
    patient, _code = with_ways(clinic)
    url = patient.url("phone")
    posts = []
    for address in (NEW, NEWER):
        ticket = patient.client.get(url).context["ticket"]
        answers = patient.posted(patient.number("phone"), email={"": address})
        posts.append({"ticket": ticket, **answers})
    together = threading.Barrier(2, timeout=30)

    def change(fields: dict) -> int:
        together.wait()
        try:
            return patient.client.post(url, fields).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as tabs:
        assert sorted(tabs.map(change, posts)) == [303, 409]
    assert told() == [ADDRESS]
    answered = patient.response.document().value("email")
    with later(hours=25):
        assert links_go_to(clinic, asked=answered) == [answered]


@pytest.mark.django_db(transaction=True)
def test_a_change_and_an_opening_elsewhere_at_once_both_succeed(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    publish_shipped_content()
    clinic = make_clinic("riverside")
    patient, code = with_ways(clinic)
    together = threading.Barrier(2, timeout=30)

    def at_once(act) -> int:
        together.wait()
        try:
            return act().status_code
        finally:
            connections.close_all()

    for number in range(5):
        address = f"new{number}@example.com"
        url = patient.url("phone")
        shown = patient.client.get(url)
        fields = {"ticket": shown.context["ticket"]}
        fields |= patient.posted(patient.number("phone"), email={"": address})
        acts = [lambda u=url, f=fields: patient.client.post(u, f), lambda: open_draft(clinic, code=code)]
        with ThreadPoolExecutor(2) as people:
            saved, opened = people.map(at_once, acts)
        assert opened == 303
        assert saved in (303, 403)
        assert patient.response.document().value("email") == address
        open_draft(clinic, patient.client, code=code)
    assert told() == [ADDRESS]
