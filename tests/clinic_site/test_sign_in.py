"""Two factors on every path, and a throttle that tells nothing and locks nobody out."""

import re
import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from clinic_site.accounts import passwords, throttle
from clinic_site.accounts.factors import add_app, app_code, current_step, replace_recovery_codes
from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.passwords import PepperedArgon2
from clinic_site.accounts.permissions import routes
from clinic_site.audit.models import AuditEvent
from clinic_site.checks import every_page_says_whom_it_serves, route_names
from clinic_site.limits.models import Counter
from clinic_site.messaging.models import OutboxMessage
from tests.conftest import APP_SECRET, PASSWORD, make_user, next_code
from tests.security.walk import CONVERTED, addresses, as_path

STAFF_ONLY = {"signed-in", *("case.list", "case.contact", "case.claim", "flag.close", "decision.sign", "admin.access")}


@pytest.fixture
def member(clinic):
    def make(role="clinician", *, app=True):
        user = make_user(role, clinic)
        user.set_password(PASSWORD)
        user.save()
        if app:
            add_app(user, APP_SECRET)
        return user

    return make


@pytest.fixture
def move_clock(monkeypatch):
    """The clock stands still; `move_clock(minutes=15)` lets that much time pass."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    def move(**by):
        nonlocal now
        now += timedelta(**by)

    return move


def password(client, user, **fields):
    email = user if isinstance(user, str) else user.email
    return client.post("/sign-in/", {"username": email, "password": PASSWORD, **fields})


def code(client, digits, **fields):
    return client.post("/sign-in/second/", {"code": digits, **fields})


def is_in(client):
    return client.get("/sessions/").status_code == 200


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


# ── AUTH-01: two factors ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_page_of_staff_sends_somebody_with_a_password_only_to_the_second_step(staff, half_signed, published):
    """A route that exists with made-up values is enough: nobody half-way gets as far as a lookup."""
    client, walked, open_ones = half_signed(staff("administrator")), 0, []
    for name, route in addresses():
        asked = routes().get(name) or ("admin.access" if name.startswith("admin:") else None)
        if asked in ("anyone", "patient"):
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(as_path(route, {"pk": 1}))
            walked += 1
            allowed = (302, "/sign-in/second/") if method == "get" else (401, "")
            if (answer.status_code, answer.get("Location", "").partition("?")[0]) != allowed:
                open_ones.append((name, method, answer.status_code))
    assert open_ones == []
    assert walked > 80


def test_a_view_that_forgets_everything_is_closed_to_somebody_half_way(staff, half_signed, rf, published):
    """The positive control: whoever is half-way is nobody, so that even an undeclared look at the user finds none."""
    client = half_signed(staff("administrator"))
    assert client.get("/").content.decode().count("Sign out") == 0
    assert "_auth_user_id" not in client.session


def test_a_password_leads_to_the_code_and_the_code_signs_in(member, published):
    client, user = Client(), member()
    assert password(client, user)["Location"] == "/sign-in/second/"
    assert not is_in(client)
    assert code(client, next_code(user))["Location"] == "/"
    assert is_in(client)
    assert AuditEvent.objects.get(action="staff.signed-in").detail == {"factor": "totp"}


def test_half_way_ends_after_ten_minutes_and_with_a_new_password(member, move_clock):
    client, user = Client(), member()
    password(client, user)
    move_clock(minutes=10, seconds=1)
    assert code(client, next_code(user)).status_code == 401
    password(client, user)
    user.set_password("another horse battery staple")
    user.save()
    assert code(client, next_code(user)).status_code == 401


def test_the_session_gets_a_new_name_at_each_step_and_the_old_one_is_dead(member):
    client, user, names = Client(), member(), []
    client.get("/passkey/options/")
    names.append(client.session.session_key)
    password(client, user)
    names.append(client.session.session_key)
    code(client, next_code(user))
    names.append(client.session.session_key)
    client.post("/confirm/", {"code": next_code(user)})
    names.append(client.session.session_key)
    assert len(set(names)) == 4
    for name in names[:-1]:
        old = Client()
        old.cookies["staff"] = name
        assert not is_in(old)
    assert is_in(client)


# ── enrolment ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_without_a_factor_must_make_one_and_gets_recovery_codes(member):
    client, user = Client(), member(app=False)
    password(client, user)
    assert client.get("/sign-in/second/")["Location"] == "/factors/"
    assert client.get("/review/")["Location"].startswith("/sign-in/second/")
    secret = client.get("/factors/app/").context["secret"].replace(" ", "")
    assert client.get("/factors/app/picture/")["Content-Type"] == "image/svg+xml"
    assert client.post("/factors/app/", {"code": "000000"}).status_code == 422
    shown = client.post("/factors/app/", {"code": app_code(secret, current_step())})
    assert len(shown.context["codes"]) == 10
    assert is_in(client)
    assert "staff.factor-added" in actions()


def test_a_password_alone_never_adds_a_second_factor_beside_the_first(member):
    client, user = Client(), member()
    password(client, user)
    for address in (
        "/factors/",
        "/factors/app/",
        "/factors/app/picture/",
        "/factors/passkey/",
        "/factors/passkey/options/",
    ):
        assert client.get(address)["Location"].startswith("/sign-in/second/")
    assert client.post("/factors/app/", {"code": app_code(APP_SECRET, current_step())}).status_code == 401
    assert Authenticator.objects.filter(user=user).count() == 1


@pytest.mark.parametrize("role", ["administrator", "medical-director", "auditor"])
def test_a_role_that_needs_a_passkey_is_led_to_make_one(member, settings, role):
    settings.PASSKEY_REQUIRED = True
    client, user = Client(), member(role)
    password(client, user)
    assert code(client, next_code(user))["Location"] == "/factors/"
    assert not is_in(client)
    assert client.get("/factors/passkey/").status_code == 200


def test_a_role_that_has_its_passkey_is_not_let_in_by_a_code(member, settings):
    settings.PASSKEY_REQUIRED = True
    client, user = Client(), member("auditor")
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key", "credential": {}})
    password(client, user)
    assert "Your role signs in with a passkey" in code(client, next_code(user)).content.decode()
    assert not is_in(client)


def test_a_clinician_needs_no_passkey(member, settings):
    settings.PASSKEY_REQUIRED = True
    client, user = Client(), member("clinician")
    password(client, user)
    code(client, next_code(user))
    assert is_in(client)


def test_a_new_role_that_needs_a_passkey_closes_a_session_that_came_by_a_code(member, settings, clinic):
    settings.PASSKEY_REQUIRED = True
    client, user = Client(), member("front-desk")
    password(client, user)
    code(client, next_code(user))
    user.memberships.all().delete()
    Membership.objects.create(user=user, clinic=clinic, role="auditor", origin="shell")
    assert client.get("/admin/")["Location"] == "/factors/"
    assert client.get("/factors/").status_code == 200


# ── AUTH-04: the throttle ──────────────────────────────────────────────────────────────────────────────────────────


def guess(client, email="victim@riverside.example", times=1):
    return [client.post("/sign-in/", {"username": email, "password": f"guess {n}"}) for n in range(times)][-1]


@pytest.fixture
def hashed(monkeypatch):
    """The guesses that reached the hasher, which is made cheap."""
    seen, real = [], passwords._peppered
    monkeypatch.setattr(PepperedArgon2, "time_cost", 1)
    monkeypatch.setattr(PepperedArgon2, "memory_cost", 8)

    def counting(text):
        if text.startswith("guess"):
            seen.append(text)
        return real(text)

    monkeypatch.setattr(passwords, "_peppered", counting)
    return seen


@pytest.fixture
def far_from_everybody(monkeypatch):
    monkeypatch.setattr(throttle, "NETWORK_FAILURES", 10_000)


def test_after_five_failures_each_try_waits_longer(member, hashed, far_from_everybody, move_clock):
    client, email = Client(), member().email
    guess(client, email, times=8)
    assert len(hashed) == 5
    for waited in (5, 10, 20, 40):
        move_clock(seconds=waited - 1)
        guess(client, email)
        before = len(hashed)
        move_clock(seconds=1)
        guess(client, email)
        assert len(hashed) == before + 1
    assert len(hashed) == 9


def test_no_more_than_ten_tries_an_hour_are_looked_at(member, hashed, far_from_everybody, move_clock):
    client, user = Client(), member()
    for _ in range(25):
        guess(client, user.email)
        move_clock(minutes=2)
    assert len(hashed) == 10
    assert actions().count("staff.sign-in-locked") == 1
    assert AuditEvent.objects.get(action="staff.sign-in-locked").user == user
    move_clock(minutes=30)
    guess(client, user.email)
    assert len(hashed) == 11


def test_slow_guessing_over_weeks_stops_before_a_hundred(member, hashed, far_from_everybody, move_clock):
    client, email = Client(), member().email
    for _ in range(throttle.TRIES_IN_A_ROW + 15):
        guess(client, email)
        move_clock(hours=3)
    assert len(hashed) == throttle.TRIES_IN_A_ROW < 100


def test_the_right_password_starts_the_count_anew(member, far_from_everybody, hashed):
    client, user = Client(), member()
    for _ in range(3):
        guess(client, user.email, times=3)
        assert password(client, user).status_code == 302


def test_one_network_is_stopped_whatever_accounts_it_tries(member, hashed):
    client = Client()
    for n in range(throttle.NETWORK_FAILURES):
        assert guess(client, f"somebody{n}@riverside.example").status_code == 422
    assert guess(client, "one-more@riverside.example").status_code == 429
    assert len(hashed) == throttle.NETWORK_FAILURES
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert guess(elsewhere, "one-more@riverside.example").status_code == 422


def test_the_same_address_written_otherwise_is_counted_together(member, hashed, far_from_everybody, move_clock):
    client = Client()
    for email in ("Ada@Riverside.example", " ada@riverside.example", "ADA@RIVERSIDE.EXAMPLE", "ａda@riverside.example"):
        guess(client, email, times=3)
    assert len(hashed) == 5


@pytest.mark.django_db(transaction=True)
def test_two_hundred_guesses_by_four_threads_reach_the_hasher_ten_times_at_most(
    clinic, hashed, far_from_everybody, move_clock
):
    user = make_user("clinician", clinic)
    user.set_password(PASSWORD)
    user.save()
    start = threading.Barrier(4)

    def attack():
        try:
            client = Client()
            start.wait()
            guess(client, user.email, times=50)
        finally:
            connection.close()

    threads = [threading.Thread(target=attack) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 5 <= len(hashed) <= 10


def test_codes_are_tried_five_times_and_a_passkey_is_not_counted(member):
    client, user = Client(), member()
    password(client, user)
    for _ in range(throttle.CODES):
        assert "wrong, too old" in code(client, "000000").content.decode()
    refused = code(client, next_code(user))
    assert (refused.status_code, is_in(client)) == (422, False)
    assert "too many tries" in refused.content.decode()
    assert "staff.second-factor-locked" in actions()


# ── AUTH-05: equal answers ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_and_an_unknown_address_get_the_same_answer(member, hashed, far_from_everybody, move_clock):
    user, answers = member(), []
    # Of the same length, because the page shows what was typed.
    for email in (user.email, f"x{user.email[1:]}"):
        client, said = Client(), []
        for _ in range(12):
            answer = guess(client, email)
            body = answer.content.decode().replace(email, "EMAIL")
            said.append((answer.status_code, _without_token(body), _headers(answer)))
        answers.append((said, len(hashed)))
        hashed.clear()
    for known, unknown in zip(*(said for said, _hashed in answers), strict=True):
        assert known == unknown
    assert answers[0][1] == answers[1][1] == 5


def _headers(answer):
    """Each header with its parts in order: those of the policy for content come in any."""
    return {
        name: sorted(re.sub(r"nonce-[\w+/=-]+", "nonce", value).split("; ")) for name, value in answer.headers.items()
    }


def _without_token(body):
    return [line for line in body.splitlines() if "csrfmiddlewaretoken" not in line]  # another for every page


def test_a_closed_account_gets_the_same_words_as_a_wrong_password(member):
    user = member()
    wrong = guess(Client(), user.email).content.decode()
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert _without_token(password(Client(), user).content.decode()) == _without_token(wrong)


def test_the_throttle_keeps_no_address_in_the_clear(member):
    guess(Client(), "victim@riverside.example")
    assert not any(b"victim" in bytes(counter.digest) for counter in Counter.objects.all())
    assert Counter.objects.exists()


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_recovery_code_signs_in_once_and_its_owner_is_told(member):
    user = member()
    first, second = replace_recovery_codes(user)[:2]
    for used, works in ((first, True), (first, False), (second.upper().replace("-", " "), True)):
        client = Client()
        password(client, user)
        code(client, used)
        assert is_in(client) is works
    told = OutboxMessage.objects.filter(purpose="account-notice", recipient=user.email)
    assert told.count() == 2
    assert "recovery" in told[0].body
    assert actions().count("staff.recovery-code-used") == 2


def test_check_names_a_fresh_factor_route_that_does_not_exist(monkeypatch):
    monkeypatch.setattr("clinic_site.checks.fresh_factor", lambda: ["screening:sign", "nothing:here"])
    assert "nothing:here" in [error.msg for error in every_page_says_whom_it_serves()][0]
    assert "screening:sign" in route_names()
    assert CONVERTED.search("<uuid:pk>")


# ── a link for a new password ──────────────────────────────────────────────────────────────────────────────────────

NEW = "a brand new battery staple"


def send_mail_that_waits():
    for _ in range(2):  # one round finds out who asked, the next sends
        call_command("worker", "--once")


def link(client, mailoutbox, email):
    """Asks for a link, lets the worker send it, and returns the code in it, or None."""
    mailoutbox.clear()
    client.post("/password/forgotten/", {"email": email})
    send_mail_that_waits()
    body = next((mail.body for mail in mailoutbox if mail.subject == "A new password"), "")
    return body.partition("/password/new/#")[2].split()[0] if body else None


def redeem(client, given, new=NEW):
    return client.post("/password/new/", {"code": given, "new_password1": new, "new_password2": new})


def test_a_mailed_link_sets_a_password_once_and_signs_nobody_in(member, mailoutbox, signed_in):
    user, client = member(), Client()
    elsewhere = signed_in(user)
    given = link(client, mailoutbox, user.email)
    assert client.get("/password/new/").status_code == 200
    assert redeem(client, given)["Location"] == "/sign-in/?new=1"
    assert not is_in(client)
    assert not is_in(elsewhere)
    assert redeem(Client(), given, "yet another battery staple").status_code == 422
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert "staff.password-reset" in actions()
    assert OutboxMessage.objects.filter(recipient=user.email, body__contains="password was changed").exists()


def test_the_answer_and_what_is_stored_are_the_same_for_an_unknown_address(member, mailoutbox, statements):
    user, said, cost = member(), [], []
    for email in (user.email, "nobody@riverside.example"):
        with statements() as counted:
            answer = Client().post("/password/forgotten/", {"email": email})
        said.append((answer.status_code, answer.content, sorted(answer.headers)))
        cost.append([sql.split("VALUES")[0] for sql in counted.statements()])
    assert said[0] == said[1]
    assert cost[0] == cost[1]
    send_mail_that_waits()
    assert [mail.to for mail in mailoutbox] == [[user.email]]
    assert link(Client(), mailoutbox, "nobody2@riverside.example") is None


def test_a_link_dies_after_thirty_minutes(member, mailoutbox, monkeypatch):
    given = link(Client(), mailoutbox, member().email)
    generator = "django.contrib.auth.tokens.PasswordResetTokenGenerator._now"
    from django.contrib.auth.tokens import default_token_generator

    late = default_token_generator._now() + timedelta(minutes=30, seconds=1)
    monkeypatch.setattr(generator, lambda _self: late)
    assert redeem(Client(), given).status_code == 422


def test_a_link_survives_looking_and_mistakes_and_the_password_must_be_good(member, mailoutbox):
    client, user = Client(), member()
    given = link(client, mailoutbox, user.email)
    for _ in range(5):
        client.get("/password/new/")
    assert redeem(client, given, "short").status_code == 422
    assert redeem(client, given, f"{user.name} {user.name}").status_code == 422
    assert redeem(client, given).status_code == 302


@pytest.mark.parametrize("forged", ["", "x", "." * 40, "0" * 32 + ".abc-def", "é" * 32 + ".a-b", "\x00"])
def test_a_forged_link_is_refused_in_the_same_words(member, forged):
    member()
    assert redeem(Client(), forged).status_code == 422


def test_no_more_than_three_links_an_hour_go_to_one_address(member, mailoutbox):
    user = member()
    given = [link(Client(REMOTE_ADDR=f"198.51.100.{n}"), mailoutbox, user.email) for n in range(5)]
    assert [bool(one) for one in given] == [True, True, True, False, False]


def test_a_link_ends_the_wait_after_too_many_tries(member, mailoutbox, far_from_everybody, move_clock, hashed):
    client, user = Client(), member()
    guess(client, user.email, times=12)
    assert password(client, user).status_code == 422
    redeem(client, link(client, mailoutbox, user.email))
    assert client.post("/sign-in/", {"username": user.email, "password": NEW}).status_code == 302
