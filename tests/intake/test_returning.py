"""Coming back to a draft in another browser: what opens it, and all that does not."""

import datetime
import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from clinic_site.limits.models import Counter
from clinic_site.messaging.models import OutboxMessage
from intake.access import pass_cookie
from intake.models import LinkRequest, ReturnKey
from intake.return_codes import has_slip, new_link_code, new_link_token, new_paper_code, tidy
from intake.return_mail import send_links, send_reminders
from tests.conftest import make_clinic, publish_shipped_content
from tests.intake.returning import ADDRESS, SECOND, ask, choose, mailed, open_draft, read_mail, with_ways
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    """Hashing with argon2 for every try would cost more than the tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def clinic(published, clinic):
    return clinic


def later(**ahead: float):
    return mock.patch("django.utils.timezone.now", return_value=timezone.now() + datetime.timedelta(**ahead))


def opens(answer) -> bool:
    return answer.status_code == 303 and "/intake/" in answer["Location"]


def said(answer) -> str:
    """The page without what is new in every answer: the token against forged forms and what was typed."""
    return re.sub(r' value="[^"]*"', "", answer.content.decode())


# ── choosing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_about_coming_back_is_offered_once_after_the_contact_page(clinic):
    patient = PatientBrowser(clinic)
    assert patient.save("phone")["Location"] == f"/intake/{patient.public_id}/return/"
    assert "/return/" not in patient.save("phone")["Location"]


def test_the_page_about_coming_back_can_be_skipped(clinic):
    patient = PatientBrowser(clinic)
    patient.save("phone")
    shown = patient.client.get(f"/intake/{patient.public_id}/return/")
    assert patient.client.get(shown.context["continue_url"]).status_code == 200
    assert not ReturnKey.objects.exists()


@pytest.mark.parametrize(
    "second",
    ["123456", "654321", "111111", "121212", "123123", "042785", "850427", "27041985", "550100", "12345", "abcdefg",
     "password123", "aaaa"],
)  # fmt: skip
def test_what_is_guessed_first_is_refused_as_a_second_thing(clinic, second):
    patient = PatientBrowser(clinic)
    patient.save("date_of_birth")
    patient.save("phone")
    assert choose(patient, second=second, on_paper="1").status_code == 422
    assert not ReturnKey.objects.exists()


@pytest.mark.parametrize("second", ["481516", "eight ok", "Blaue Blume 7", "דבורים בגן"])
def test_six_digits_or_a_passphrase_are_taken(clinic, second):
    patient, code = with_ways(clinic, second=second, on_paper="1")
    assert opens(open_draft(clinic, second=second, code=code))


def test_two_different_second_things_are_refused(clinic):
    assert choose(PatientBrowser(clinic), again="481517", on_paper="1").status_code == 422


def test_without_a_way_to_find_the_form_nothing_is_kept(clinic):
    assert choose(PatientBrowser(clinic)).status_code == 422
    assert not ReturnKey.objects.exists()


def test_a_mailed_link_can_not_be_chosen_without_an_address(clinic):
    assert choose(PatientBrowser(clinic), by_mail="1").status_code == 422


def test_what_was_chosen_changes_only_with_the_second_thing_of_before(clinic):
    patient, code = with_ways(clinic)
    assert choose(patient, second="271828", on_paper="1").status_code == 422
    assert choose(patient, second="271828", on_paper="1", current="999999").status_code == 422
    changed = choose(patient, second="271828", on_paper="1", current=SECOND)
    assert changed.status_code == 200
    assert not opens(open_draft(clinic, second="271828", code=code))
    assert opens(open_draft(clinic, second="271828", code=changed.context["code"]))


def test_the_database_holds_no_secret_of_a_person_who_set_up_ways_back(clinic):
    patient, code = with_ways(clinic)
    token, link_code = mailed(clinic)
    wanted = [code, tidy(code), token, link_code, tidy(link_code), SECOND, ADDRESS]
    wanted.append(patient.client.cookies[pass_cookie(patient.public_id)].value.partition(":")[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - names from the catalogue
            rows += [row for (row,) in cursor.fetchall()]
    dump = "\n".join(rows).lower()
    assert patient.public_id.lower() in dump
    for secret in wanted:
        assert secret.lower() not in dump
        assert secret.lower().encode().hex() not in dump


# ── a code on paper ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_on_paper_with_the_second_thing_opens_the_draft_elsewhere(clinic):
    patient, code = with_ways(clinic, on_paper="1")
    other = Client()
    answer = open_draft(clinic, other, code=code.lower().replace("-", " "))
    assert opens(answer)
    assert "Quixotina" in other.get(patient.url("legal_given_name")).content.decode()


def test_opening_elsewhere_shuts_out_the_browser_of_before_and_leaves_a_trace(clinic):
    patient, code = with_ways(clinic)
    open_draft(clinic, code=code)
    assert patient.client.get(f"/intake/{patient.public_id}/").status_code == 404
    assert AuditEvent.objects.get(action="response.opened-elsewhere").detail == {"way": "paper"}


def test_what_is_typed_in_the_browser_that_was_shut_out_is_kept(clinic):
    patient, code = with_ways(clinic)
    ticket = patient.client.get(patient.url("other_allergies")).context["ticket"]
    open_draft(clinic, code=code)
    late = patient.client.post(patient.url("other_allergies"), {"ticket": ticket, "other_allergies": "latex"})
    assert late.status_code == 403
    assert patient.response.document().value("other_allergies") == "latex"


def test_coming_back_without_mail_sends_none(clinic):
    _patient, code = with_ways(clinic, on_paper="1")
    assert opens(open_draft(clinic, code=code))
    ask(clinic)
    send_links()
    send_reminders()
    assert mail.outbox == []
    assert not OutboxMessage.objects.exists()


def test_a_slip_in_the_paper_code_is_told_before_anything_is_tried(clinic):
    _patient, code = with_ways(clinic)
    letters = tidy(code)
    swapped = letters[1] + letters[0] + letters[2:] if letters[0] != letters[1] else "0" + letters[1:]
    Counter.objects.all().delete()
    answer = open_draft(clinic, code=swapped)
    assert "slip" in answer.content.decode() or swapped == letters
    assert not Counter.objects.exists()


def test_check_letters_find_every_single_slip_and_every_swap_of_neighbours():
    code = new_paper_code()
    for place, letter in itertools.product(range(len(code)), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"):
        if letter != code[place]:
            assert has_slip(code[:place] + letter + code[place + 1 :]), (code, place, letter)
    for place in range(len(code) - 1):
        if code[place] != code[place + 1]:
            assert has_slip(code[:place] + code[place + 1] + code[place] + code[place + 2 :]), (code, place)
    assert not has_slip(code)


def test_ten_thousand_secrets_of_each_kind_do_not_repeat():
    for make in (new_link_token, new_link_code, new_paper_code):
        assert len({make() for _time in range(10_000)}) == 10_000


# ── a mailed link ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("which", ["token", "code"])
def test_a_mailed_link_or_its_code_opens_the_draft_once(clinic, which):
    patient, _paper = with_ways(clinic)
    token, code = mailed(clinic)
    shown = {"token": token} if which == "token" else {"code": code}
    other = Client()
    assert opens(open_draft(clinic, other, **shown))
    assert other.get(patient.url("legal_given_name")).status_code == 200
    assert not opens(open_draft(clinic, **shown))


def test_the_mail_says_nothing_about_the_person_or_the_clinic_and_holds_the_token_behind_the_hash(clinic):
    patient, _paper = with_ways(clinic)
    mailed(clinic)
    (message,) = mail.outbox
    text = f"{message.subject} {message.body} {message.from_email}".lower()
    forbidden = ["quixotina", "sample", clinic.name.lower(), "ketamine", "health", "patient", "treat", "clinic", "drug"]
    assert [word for word in forbidden if word in text] == []
    assert patient.response.reference.lower() not in text
    assert re.search(r"https?://\S+/at/riverside/continue/open/#[\w-]{43}\n", message.body)
    assert message.to == [ADDRESS]


def test_a_link_alone_shows_nothing_of_the_draft(clinic):
    patient, _paper = with_ways(clinic)
    token, _code = mailed(clinic)
    other = Client()
    for second in ("", "000111", "1985-04-27", "Quixotina"):
        answer = open_draft(clinic, other, token=token, second=second)
        assert answer.status_code == 422
        assert "Quixotina" not in answer.content.decode()
    assert other.get(f"/intake/{patient.public_id}/").status_code == 404


def test_a_date_of_birth_opens_nothing(clinic):
    patient, code = with_ways(clinic)
    patient.save("date_of_birth")
    for born in ("04271985", "042785", "1985-04-27", "April 27, 1985"):
        assert not opens(open_draft(clinic, second=born, code=code, date_of_birth=born))


def test_looking_at_a_link_twenty_times_does_not_use_it_up(clinic):
    with_ways(clinic)
    token, _code = mailed(clinic)
    before = ReturnKey.objects.values().get()
    for _time in range(10):
        client = Client()
        assert client.get("/at/riverside/continue/open/").status_code == 200
        assert client.head("/at/riverside/continue/open/").status_code == 200
    assert ReturnKey.objects.values().get() == before
    assert opens(open_draft(clinic, token=token))


def test_opening_needs_the_token_against_forged_forms(clinic):
    with_ways(clinic)
    token, _code = mailed(clinic)
    assert open_draft(clinic, Client(enforce_csrf_checks=True), token=token).status_code == 403


def test_a_link_lives_ten_minutes(clinic):
    with_ways(clinic)
    token, _code = mailed(clinic)
    with later(minutes=10, seconds=1):
        assert not opens(open_draft(clinic, token=token))
    with later(minutes=9, seconds=50):
        assert opens(open_draft(clinic, token=token))


def test_the_newest_link_ends_the_one_before(clinic):
    with_ways(clinic)
    older, older_code = mailed(clinic)
    newer, _code = mailed(clinic)
    assert not opens(open_draft(clinic, token=older))
    assert not opens(open_draft(clinic, code=older_code))
    assert opens(open_draft(clinic, token=newer))


def test_five_wrong_second_things_end_a_link_and_a_new_one_works(clinic):
    with_ways(clinic)
    token, _code = mailed(clinic)
    for _time in range(5):
        assert not opens(open_draft(clinic, token=token, second="000111"))
    assert not opens(open_draft(clinic, token=token))
    token, _code = mailed(clinic)
    assert opens(open_draft(clinic, token=token))


def test_five_wrong_codes_end_the_link_that_was_asked_for_in_this_browser(clinic):
    with_ways(clinic)
    asked = ask(clinic).context["asked"]
    send_links()
    _token, code = read_mail()
    for _time in range(6):
        assert not opens(open_draft(clinic, code="00000000", asked=asked))
    Counter.objects.all().delete()
    assert not opens(open_draft(clinic, code=code, asked=asked))


def test_a_draft_of_another_clinic_does_not_open(clinic):
    _patient, code = with_ways(clinic)
    token, _code = mailed(clinic)
    other = make_clinic("hillside")
    assert not opens(open_draft(other, code=code))
    assert not opens(open_draft(other, token=token))


def test_a_form_that_was_sent_opens_no_more(clinic):
    patient, code = with_ways(clinic)
    token, _code = mailed(clinic)
    patient.fill_in().submit()
    assert not opens(open_draft(clinic, token=token))
    assert not opens(open_draft(clinic, code=code))
    mail.outbox.clear()
    ask(clinic)
    send_links()
    assert mail.outbox == []


def test_a_draft_that_nobody_saved_for_thirty_days_opens_no_more(clinic):
    _patient, code = with_ways(clinic)
    with later(days=29, hours=23):
        assert opens(open_draft(clinic, code=code))
    with later(days=30, seconds=1):
        assert not opens(open_draft(clinic, code=code))
        mail.outbox.clear()
        ask(clinic)
        send_links()
        assert mail.outbox == []


def test_a_new_link_is_one_press_away_on_the_last_day(clinic):
    with_ways(clinic)
    with later(days=29):
        token, _code = mailed(clinic)
        assert opens(open_draft(clinic, token=token))


def test_a_member_of_staff_who_opens_a_draft_keeps_their_own_session_and_nothing_more(clinic, staff, signed_in):
    patient, code = with_ways(clinic)
    client = signed_in(staff("front-desk"))
    assert opens(open_draft(clinic, client, code=code))
    assert client.get("/review/").status_code == 200
    assert client.get(f"/intake/{patient.public_id}/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/review/").status_code in (302, 401)


# ── nobody learns whether there is a draft ─────────────────────────────────────────────────────────────────────────


def test_asking_for_a_link_answers_and_stores_the_same_for_every_address(clinic, statements):
    with_ways(clinic)
    found = []
    for address in (ADDRESS, "nobody@example.com"):
        with statements() as counted:
            answer = ask(clinic, address)
        kinds = [re.sub(r"'[^']*'|[0-9a-f\\x-]{8,}", "", sql)[:60] for sql in counted.statements()]
        found.append((answer.status_code, sorted(answer.headers), said(answer), kinds))
    assert found[0] == found[1]
    assert LinkRequest.objects.count() == 2
    assert send_links() == 2
    assert not LinkRequest.objects.exists()
    assert [message.to for message in mail.outbox] == [[ADDRESS]]


def test_an_address_gets_at_most_three_mails_in_an_hour(clinic):
    with_ways(clinic)
    answers = {(answer.status_code, said(answer)) for answer in (ask(clinic) for _time in range(8))}
    assert len(answers) == 1
    send_links()
    assert len(mail.outbox) == 3
    with later(hours=1, seconds=1):
        ask(clinic)
        send_links()
    assert len(mail.outbox) == 4


def test_wrong_unknown_used_and_ended_look_the_same(clinic):
    _patient, paper = with_ways(clinic)
    used, used_code = mailed(clinic)
    open_draft(clinic, token=used)
    token, code = mailed(clinic)
    wrong = [
        {"token": used},
        {"code": used_code},
        {"token": "x" * 43},
        {"code": "00000000"},
        {"code": new_paper_code()},
        {"token": token, "second": "000111"},
        {"code": paper, "second": "000111"},
    ]
    answers = [open_draft(clinic, **shown) for shown in wrong]
    with later(minutes=11):
        answers.append(open_draft(clinic, code=code))
    pages = {(answer.status_code, re.sub(r" hidden(?=>)", "", said(answer))) for answer in answers}
    assert len(pages) == 1


def test_a_wrong_code_costs_a_hash_whether_or_not_there_is_a_draft(clinic):
    _patient, paper = with_ways(clinic)
    for code, hasher in (
        (paper, "intake.returning.check_password"),
        (new_paper_code(), "intake.returning.make_password"),
    ):
        with mock.patch(hasher, return_value=False) as hashed:
            open_draft(clinic, code=code, second="000111")
        assert hashed.call_count == 1


# ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_wrong_tries_from_one_network_must_wait_and_then_go_on(clinic):
    patient, code = with_ways(clinic)
    statuses = [open_draft(clinic, token="x" * 43).status_code for _time in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert open_draft(clinic, code=code).status_code == 429
    assert patient.client.get(f"/intake/{patient.public_id}/").status_code == 200
    with later(minutes=11):
        assert opens(open_draft(clinic, code=code))


def test_wrong_second_things_from_everywhere_stop_for_an_hour_and_not_for_ever(clinic):
    patient, code = with_ways(clinic)
    for number in range(10):
        elsewhere = Client(REMOTE_ADDR=f"198.51.100.{number}")
        assert not opens(open_draft(clinic, elsewhere, code=code, second="000111"))
    assert not opens(open_draft(clinic, code=code))
    assert patient.client.get(f"/intake/{patient.public_id}/").status_code == 200
    with later(hours=1, seconds=1):
        assert opens(open_draft(clinic, code=code))


def test_a_hundred_wrong_tries_at_a_clinic_within_an_hour_call_the_operator_once(clinic):
    for number in range(105):
        open_draft(clinic, Client(REMOTE_ADDR=f"198.51.100.{number}"), token="x" * 43)
    assert OutboxMessage.objects.filter(purpose="return-guessing").count() == 1


# ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_server_that_is_away_is_tried_again_with_a_new_link(clinic):
    with_ways(clinic)
    ask(clinic)
    with mock.patch("intake.return_mail.EmailMessage.send", side_effect=ConnectionRefusedError):
        send_links()
    assert LinkRequest.objects.get().attempts == 1
    with later(minutes=1):
        send_links()
        token, _code = read_mail()
        assert opens(open_draft(clinic, token=token))
    assert not LinkRequest.objects.exists()


def test_two_reminders_go_out_and_no_more_without_a_token_or_a_word_about_the_person(clinic):
    with_ways(clinic)
    sent = []
    for days in (2, 4, 5, 11, 12, 20, 29):
        with later(days=days):
            send_reminders()
        sent.append(len(mail.outbox))
    assert sent == [0, 1, 1, 2, 2, 2, 2]
    for message in mail.outbox:
        text = f"{message.subject} {message.body}".lower()
        assert "/at/riverside/continue/\n" in message.body
        assert "#" not in message.body
        assert [
            w for w in ("quixotina", clinic.name.lower(), "clinic", "treat", "health", "patient") if w in text
        ] == []


def test_a_worker_that_stood_still_sends_one_reminder_and_not_two_at_once(clinic):
    with_ways(clinic)
    with later(days=12):
        send_reminders()
        send_reminders()
    assert len(mail.outbox) == 1


def test_nobody_who_did_not_ask_for_mail_is_reminded(clinic):
    with_ways(clinic, on_paper="1")
    with later(days=4):
        send_reminders()
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_browsers_that_use_one_link_at_once_leave_one_pass(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    publish_shipped_content()
    clinic = make_clinic("riverside")
    patient, _code = with_ways(clinic)
    token, _code = mailed(clinic)
    clients, together = [Client(), Client()], threading.Barrier(2, timeout=30)

    def redeem(client: Client) -> bool:
        together.wait()
        try:
            return opens(open_draft(clinic, client, token=token))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(redeem, clients)) == [False, True]
    held = [client.get(f"/intake/{patient.public_id}/").status_code for client in clients]
    assert sorted(held) == [200, 404]
