"""Sessions of staff: two ends on the server, three at once, seen and ended by their owner; and a fresh factor for what
weighs most.
"""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from clinic_site.accounts.factors import add_app, replace_recovery_codes
from clinic_site.accounts.models import StaffSession
from clinic_site.accounts.permissions import needs_fresh_factor, routes
from clinic_site.accounts.sessions import SessionStore, digest_of
from clinic_site.audit.models import AuditEvent
from clinic_site.checks import route_names
from screening.models import Decision
from tests.clinic_site.test_accounts import Form
from tests.conftest import APP_SECRET, PASSWORD, make_user, next_code
from tests.screening.cases import Desk, submitted_case
from tests.security.test_every_address import addresses, as_path

TYPED = "I weighed this for a long time, “naïvely” 🙂."


@pytest.fixture
def move_clock(monkeypatch):
    """The clock stands still; `move_clock(minutes=15)` lets that much time pass."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    def move(**by):
        nonlocal now
        now += timedelta(**by)

    return move


@pytest.fixture
def clinician(staff):
    user = staff("clinician")
    add_app(user, APP_SECRET)
    return user


def is_in(client):
    return client.get("/sessions/").status_code == 200


# ── SES-01: both ends ──────────────────────────────────────────────────────────────────────────────────────────────


def closed_pages(client):
    """Every page of staff that answers somebody with this session otherwise than a stranger."""
    found = []
    for name, route in addresses():
        asked = routes().get(name, "admin.access")
        if asked in ("anyone", "patient"):
            continue
        answer = client.get(as_path(route, {"pk": 1}))
        if (answer.status_code, answer.get("Location", "").partition("?")[0]) != (302, "/sign-in/"):
            found.append((name, answer.status_code))
    return found


def test_a_session_lives_for_fourteen_minutes_and_not_for_fifteen_on_every_page(
    staff, signed_in, move_clock, published
):
    client = signed_in(staff("administrator"))
    move_clock(minutes=14, seconds=59)
    assert is_in(client)
    move_clock(minutes=15, seconds=1)
    assert closed_pages(client) == []


def test_a_session_ends_after_twelve_hours_however_busy_on_every_page(staff, signed_in, move_clock, published):
    client = signed_in(staff("administrator"))
    for _ in range(60):
        move_clock(minutes=11, seconds=59)
        assert is_in(client)
    move_clock(minutes=0, seconds=59)
    assert is_in(client)
    move_clock(seconds=2)
    assert closed_pages(client) == []


def test_a_new_name_for_the_session_does_not_prolong_it(clinician, signed_in, move_clock):
    client = signed_in(clinician)
    for _ in range(59):
        move_clock(minutes=12)
        assert client.post("/confirm/", {"code": next_code(clinician)}).status_code == 302
    move_clock(minutes=12, seconds=1)
    assert not is_in(client)


def test_what_a_script_asks_for_does_not_keep_a_session_alive(clinician, signed_in, move_clock):
    client = signed_in(clinician)
    for _ in range(15):
        move_clock(minutes=1)
        client.get("/factors/passkey/options/", headers={"Sec-Fetch-Mode": "cors"})
    assert not is_in(client)


def test_opening_pages_keeps_a_session_alive_and_writes_at_most_every_half_minute(
    clinician, signed_in, move_clock, statements
):
    client = signed_in(clinician)
    for seconds, writes in ((29, 0), (1, 1), (29, 0), (30, 1)):
        move_clock(seconds=seconds)
        with statements() as counted:
            assert is_in(client)
        assert sum(sql.startswith("UPDATE") for sql in counted.statements()) == writes


# ── SES-02: names and rows ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_holds_no_name_of_a_session(clinician, signed_in):
    client = signed_in(clinician)
    name = client.session.session_key
    row = StaffSession.objects.get(user=clinician)
    assert row.digest == digest_of(name) != name
    assert name not in row.data


def test_signing_out_deletes_the_row_and_the_old_cookie_opens_nothing(clinician, signed_in):
    client = signed_in(clinician)
    old = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/sign-out/")
    assert not StaffSession.objects.filter(user=clinician).exists()
    again = Client()
    again.cookies[settings.SESSION_COOKIE_NAME] = old
    assert not is_in(again)
    assert AuditEvent.objects.filter(action="staff.signed-out", user=clinician).exists()


def test_a_name_chosen_by_somebody_else_is_never_taken(clinician):
    clinician.set_password(PASSWORD)
    clinician.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    client.post("/sign-in/", {"username": clinician.email, "password": PASSWORD})
    client.post("/sign-in/second/", {"code": next_code(clinician)})
    assert is_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32


def test_ended_sessions_are_cleared_away(clinician, signed_in, move_clock):
    signed_in(clinician)
    move_clock(minutes=20)
    signed_in(clinician)
    SessionStore.clear_expired()
    assert StaffSession.objects.filter(user=clinician).count() == 1


# ── SES-03: seen and ended ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_fourth_session_ends_the_oldest(clinician, move_clock):
    clinician.set_password(PASSWORD)
    clinician.save()
    clients = []
    for _ in range(4):
        move_clock(minutes=1)
        client = Client()
        client.post("/sign-in/", {"username": clinician.email, "password": PASSWORD})
        client.post("/sign-in/second/", {"code": next_code(clinician)})
        clients.append(client)
    assert [is_in(client) for client in clients] == [False, True, True, True]
    assert AuditEvent.objects.get(action="staff.session-ended").detail["count"] == 1


def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(clinician, staff, signed_in):
    here, there, elsewhere = signed_in(clinician), signed_in(clinician), signed_in(clinician)
    colleague = staff("clinician")
    other = signed_in(colleague)
    page = here.get("/sessions/").content.decode()
    assert page.count("Firefox on Linux</strong>") == 3
    assert page.count("this one") == 1
    foreign = StaffSession.objects.get(user=colleague)
    for chosen in (foreign.pk, "nonsense", ""):
        here.post("/sessions/", {"end": chosen})
    assert is_in(other)
    assert is_in(there)
    here.post("/sessions/", {"end": StaffSession.objects.get(digest=digest_of(there.session.session_key)).pk})
    assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, True]
    here.post("/sessions/", {"end": "others"})
    assert [is_in(client) for client in (here, elsewhere, other)] == [True, False, True]


def test_changing_the_password_ends_all_other_sessions(clinician, signed_in):
    clinician.set_password(PASSWORD)
    clinician.save()
    here, there = signed_in(clinician), signed_in(clinician)
    new = "quite another battery staple"
    answer = here.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert answer.status_code == 302
    assert [is_in(here), is_in(there)] == [True, False]
    assert StaffSession.objects.filter(user=clinician).count() == 1


@pytest.mark.parametrize("change", ["closed", "role taken"])
def test_leaving_takes_effect_on_the_next_request(clinician, signed_in, published, change):
    client = signed_in(clinician)
    assert client.get("/review/").status_code == 200
    if change == "closed":
        clinician.is_active = False
        clinician.save()
        assert client.get("/review/").status_code == 302
    else:
        clinician.memberships.all().delete()
        assert client.get("/review/").status_code == 403


# ── AUTH-06: a fresh factor ────────────────────────────────────────────────────────────────────────────────────────


def test_every_form_that_weighs_much_is_refused_with_a_factor_of_six_minutes_ago(
    staff, signed_in, move_clock, published
):
    walked, asked, done = [], set(), []
    for role in ("administrator", "clinician", "medical-director"):
        client = signed_in(staff(role))
        move_clock(minutes=5, seconds=1)
        for name, route in addresses():
            if not needs_fresh_factor(name):
                continue
            answer = client.post(as_path(route, {"pk": 1}), {"words": "typed"})
            walked.append(name)
            if answer.status_code == 401:
                asked.add(name)
            elif answer.status_code not in (403, 404):
                done.append((role, name, answer.status_code))
    assert done == []
    # Each is refused to a role that would reach it with a fresh factor, and not only for want of the role.
    assert asked == set(walked) <= set(route_names())
    assert {"screening:sign", "screening:break_glass", "factor-remove", "admin:accounts_user_change"} <= asked


@pytest.fixture
def desk(published, clinic):
    user = make_user("clinician", clinic)
    add_app(user, APP_SECRET)
    desk = Desk(user, submitted_case(clinic, adult_at_home_evening="no"))
    desk.claim()
    desk.check_identity()
    desk.close("logistics.escort-and-home")
    return desk


def test_signing_with_an_old_factor_asks_for_one_and_keeps_what_was_typed(desk, move_clock):
    shown = desk.shown_sha256()
    move_clock(minutes=5)
    move_clock(seconds=1)
    asked = desk.sign(shown_sha256=shown, words=TYPED)
    assert asked.status_code == 401
    assert not Decision.objects.exists()
    form = Form(asked.content.decode(), having="code")
    wrong = desk.client.post(form.action, {**form.fields, "code": "000000"})
    assert wrong.status_code == 422
    form = Form(wrong.content.decode(), having="code")
    again = desk.client.post(form.action, {**form.fields, "code": next_code(desk.user)})
    form = Form(again.content.decode(), having="words")
    assert not Decision.objects.exists()
    assert desk.client.post(form.action, form.fields).status_code == 302
    assert Decision.objects.count() == 1
    assert TYPED in desk.open().content.decode()


def test_signing_with_a_factor_of_almost_five_minutes_ago_goes_through(desk, move_clock):
    move_clock(minutes=4, seconds=55)
    assert desk.sign().status_code == 302
    assert Decision.objects.count() == 1


def test_a_recovery_code_is_no_fresh_factor(clinician, signed_in, move_clock):
    client, codes = signed_in(clinician), replace_recovery_codes(clinician)
    move_clock(minutes=6)
    assert client.post("/confirm/", {"code": codes[0]}).status_code == 422


def test_a_password_is_never_carried_through_the_confirmation(clinician, signed_in, move_clock):
    client = signed_in(clinician)
    move_clock(minutes=6)
    assert client.get("/password/")["Location"] == "/confirm/?next=/password/"
    answer = client.post("/password/", {"old_password": PASSWORD, "new_password1": "x", "new_password2": "x"})
    assert answer["Location"] == "/confirm/?next=/password/"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"])
def test_confirming_never_leads_to_another_site(clinician, signed_in, target):
    client = signed_in(clinician)
    assert client.post("/confirm/", {"code": next_code(clinician), "next": target})["Location"] == "/"


def test_cookies_of_staff_hold_a_random_name_and_nothing_else(clinician):
    client = Client()
    client.get("/passkey/options/")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert len(cookie.value) == 32
    assert cookie.value.isalnum()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
