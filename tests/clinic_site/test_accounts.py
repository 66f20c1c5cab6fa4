"""Signing in and out, what an ended session leaves behind, and the one file that says who may do what."""

from html.parser import HTMLParser

import pytest
import yaml
from django.test import Client

from clinic_site.accounts import permissions as permissions_module
from clinic_site.accounts.factors import add_app
from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import permissions, roles
from clinic_site.audit.models import AuditEvent
from screening.models import Decision, Disposition
from tests.conftest import APP_SECRET, PASSWORD, make_clinic, make_user, next_code
from tests.screening.cases import Desk, submitted_case

TYPED = "I weighed this for a long time, “naïvely” 🙂."


class Form(HTMLParser):
    """The first form of a page with a given field, as a browser would send it."""

    def __init__(self, html, having):
        super().__init__()
        self.forms = []
        self.feed(html)
        self.action, self.fields = next(form for form in self.forms if having in form[1])

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "form":
            self.forms.append((values.get("action"), {}))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1][1].setdefault(values["name"], []).append(values.get("value") or "")


@pytest.fixture
def member(clinic):
    def make(role):
        user = make_user(role, clinic)
        user.set_password(PASSWORD)
        user.save()
        add_app(user, APP_SECRET)
        return user

    return make


def sign_in(client, user, page, password=PASSWORD):
    """Fills in the sign-in form that stands on `page`, sends it to where it points, and enters a code of the app."""
    form = Form(page.content.decode(), having="password")
    answer = client.post(
        form.action or page.request["PATH_INFO"], {**form.fields, "username": user.email, "password": password}
    )
    if answer.status_code == 302 and answer["Location"].startswith("/sign-in/second/"):
        answer = client.get(answer["Location"])
    return enter_code(client, user, answer) if b'name="code"' in answer.content else answer


def enter_code(client, user, page, code=None):
    form = Form(page.content.decode(), having="code")
    return client.post(form.action, {**form.fields, "code": code or next_code(user)})


def test_signing_in_leads_to_where_one_wanted_to_go(clinic, member, published):
    client, user = Client(), member("clinician")
    asked = client.get("/review/find/")
    assert (asked.status_code, asked["Location"]) == (302, "/sign-in/?next=/review/find/")
    assert sign_in(client, user, client.get(asked["Location"]))["Location"] == "/review/find/"
    assert client.get("/review/find/").status_code == 200
    assert AuditEvent.objects.get(action="staff.signed-in").user == user


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"is_active": False}])
def test_a_wrong_password_and_a_closed_account_get_the_same_words(member, change):
    user = member("clinician")
    User.objects.filter(pk=user.pk).update(is_active=change.get("is_active", True))
    client = Client()
    answer = sign_in(client, user, client.get("/sign-in/"), change.get("password", PASSWORD))
    assert answer.status_code == 422
    assert "That email address and password do not belong together" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_signing_out_ends_the_session_and_takes_a_post(member, published):
    client = Client()
    client.force_login(member("clinician"))
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/review/").status_code == 302


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(member, target):
    client, user = Client(), member("clinician")
    page = client.get("/sign-in/", {"next": target})
    assert "elsewhere" not in sign_in(client, user, page)["Location"]


# ── what was typed into a session that had ended ───────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(published, clinic, member):
    desk = Desk(member("clinician"), submitted_case(clinic, adult_at_home_evening="no"))
    desk.claim()
    desk.check_identity()
    return desk


def test_a_decision_sent_after_the_session_ended_survives_signing_in(desk):
    shown = desk.shown_sha256()
    desk.client.logout()
    late = desk.sign(shown_sha256=shown, words=TYPED)
    assert late.status_code == 401
    assert not Decision.objects.exists()
    again = sign_in(desk.client, desk.user, late)
    assert again.status_code == 200
    form = Form(again.content.decode(), having="words")
    assert form.action == f"{desk.url}decision/"
    assert form.fields["words"] == [TYPED]
    assert desk.client.post(form.action, form.fields).status_code == 302
    assert TYPED in desk.open().content.decode()
    assert Decision.objects.count() == 1


def test_what_was_typed_survives_a_mistyped_password(desk):
    desk.client.logout()
    late = desk.close("logistics.escort-and-home", words=TYPED)
    refused = sign_in(desk.client, desk.user, late, "not my password")
    assert refused.status_code == 422
    again = sign_in(desk.client, desk.user, refused)
    form = Form(again.content.decode(), having="words")
    desk.client.post(form.action, form.fields)
    assert desk.flags()["logistics.escort-and-home"]["dispositions"][0]["words"] == TYPED


def test_what_was_typed_is_not_sent_by_signing_in_alone(desk):
    desk.client.logout()
    late = desk.close("logistics.escort-and-home", words=TYPED)
    sign_in(desk.client, desk.user, late)
    assert not Disposition.objects.exists()


def test_a_password_is_never_carried_along(desk):
    desk.client.logout()
    late = desk.sign(shown_sha256="0" * 64, words=TYPED)
    again = sign_in(desk.client, desk.user, late)
    assert PASSWORD not in again.content.decode()
    assert {"username", "password"}.isdisjoint(Form(again.content.decode(), having="words").fields)


@pytest.mark.parametrize("carried", ["nonsense", "", "a:b:c"])
def test_a_forged_parcel_is_dropped(member, published, carried):
    client, user = Client(), member("clinician")
    answer = client.post("/sign-in/", {"username": user.email, "password": PASSWORD, "carried": carried})
    assert answer["Location"] == "/sign-in/second/"
    answer = client.post("/sign-in/second/", {"code": next_code(user), "carried": carried})
    assert answer["Location"] == "/"


# ── roles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_role_holds_known_permissions_and_every_permission_is_held():
    held = {permission for role in roles().values() for permission in role.may}
    assert held == set(permissions())
    assert all(meaning.strip() for meaning in permissions().values())


def test_only_clinicians_and_directors_read_close_and_sign():
    for permission in ("case.read", "case.claim", "flag.close", "decision.sign"):
        assert {code for code, role in roles().items() if permission in role.may} == {"clinician", "medical-director"}


def test_nobody_who_manages_people_reads_answers():
    for role in roles().values():
        assert not {"admin.manage", "case.read"} <= role.may
        assert not {"audit.read", "decision.sign"} <= role.may


def test_a_role_with_a_permission_that_does_not_exist_is_refused(monkeypatch):
    document = yaml.safe_load("{permissions: {a.b: Words}, roles: {tester: {label: Tester, may: [a.b, a.c]}}}")
    monkeypatch.setattr(permissions_module, "_document", lambda: document)
    permissions_module.roles.cache_clear()
    permissions_module.permissions.cache_clear()
    try:
        with pytest.raises(ValueError, match="role tester has unknown permissions: a.c"):
            permissions_module.roles()
    finally:
        permissions_module.roles.cache_clear()
        permissions_module.permissions.cache_clear()


def test_asking_for_a_permission_that_does_not_exist_is_an_error(clinic, staff):
    with pytest.raises(KeyError):
        staff("clinician").may("case.erase")


def test_a_permission_counts_in_the_clinic_of_the_role(clinic, staff):
    user, elsewhere = staff("clinician"), make_clinic("hillside")
    assert user.may("decision.sign", clinic.id)
    assert not user.may("decision.sign", elsewhere.id)
    assert not user.may("admin.access", clinic.id)


def test_somebody_who_may_not_sign_in_may_do_nothing(clinic, staff):
    user = staff("clinician")
    user.is_active = False
    assert not user.may("case.list")


def test_a_role_that_was_taken_out_of_the_file_gives_nothing(clinic, staff):
    user = staff("clinician")
    user.memberships.all().delete()
    Membership.objects.create(user=user, clinic=clinic, role="retired-role", origin="shell")
    assert not User.objects.get(pk=user.pk).may("case.list")
