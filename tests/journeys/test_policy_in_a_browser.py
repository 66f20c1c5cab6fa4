"""A real browser under the real policy: nothing on our pages hurts it, nothing typed by a patient gets out, one host is asked."""

import html
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect

from clinic_site.accounts.models import User
from clinic_site.audit.models import AuditEvent
from clinic_site.clinics.models import Clinic
from intake.models import QuestionnaireResponse
from screening.models import Case, RuleSetVersion
from tests.conftest import make_user, shipped_questionnaire
from tests.journeys.conftest import DESK, OpenPage, go_on_as, save
from tests.patients import PatientBrowser
from tests.security.hostile_texts import HOSTILE

# Told before any script of the page runs, and kept over its end.
LISTEN = """
  window.seen = [];
  addEventListener("securitypolicyviolation", (e) => seen.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}`));
  window.alert = (what) => seen.push(`alert ${what}`);
"""
# Elements that no page of ours has, and those that only admin has.
FOREIGN = ["x-mark", "iframe", "object", "embed", "base", "math", "[onerror]", "[onload]", "[onfocus]", "[ontoggle]"]
ONLY_IN_ADMIN = ["main img", "main style", "main script"]


MARKS = ("alert(1)", "elsewhere.example", "x-mark", "7|add:7")


class Watched:
    """A page, what it asked of whom, and what hurt the policy or ran, over every address it went to."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hosts: set[str] = set()
        self.dialogs: list[str] = []
        page.add_init_script(LISTEN)
        page.context.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def wrong(self) -> list[str]:
        """What ran or was stopped on the page that is open, and elements that only a text could have made."""
        selectors = FOREIGN if "/admin/" in self.page.url else FOREIGN + ONLY_IN_ADMIN
        elements = [selector for selector in selectors if self.page.locator(selector).count()]
        return [*self.page.evaluate("window.seen"), *self.dialogs, *elements]


@pytest.fixture
def watch(open_page: OpenPage) -> Callable[..., Watched]:
    return lambda **how: Watched(open_page(scripts=True, **how))


@pytest.fixture
def as_staff(watch, signed_in) -> Callable[[User], Watched]:
    def opened(user: User) -> Watched:
        watched = watch(viewport=DESK)
        watched.page.context.add_cookies([cookie_of(signed_in(user))])
        return watched

    return opened


@pytest.fixture
def hurt(browser: Browser, live_server: Any, signed_in) -> Iterator[Callable[..., Page]]:
    """A page that a test hurts on purpose: errors in its console are meant."""
    contexts = []

    def opened(user: User | None = None) -> Page:
        context = browser.new_context(base_url=live_server.url)
        contexts.append(context)
        if user:
            context.add_cookies([cookie_of(signed_in(user))])
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def cookie_of(client: Client) -> dict[str, Any]:
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/", "httpOnly": True}


def hostile_answers(first: int) -> dict[str, dict[str, object]]:
    """Every field that takes text: short ones with one text each, from the `first` on; the long ones with all of them."""
    turn = itertools.cycle(HOSTILE[first:] + HOSTILE[:first])

    def fitting(most: int) -> str:
        return next(text for text in turn if len(text) <= most)

    questions = shipped_questionnaire().questions
    short = [item for item in questions.values() if item.type == "short_text"]
    assert len(short) >= 6
    everything = "\n".join(HOSTILE)
    return {
        **{item.link_id: {"": fitting(item.max_length)} for item in short},
        "preferred_language": {"": "other"},
        "address": {
            **{part: fitting(120) for part in (".line1", ".line2", ".city")},
            ".state": "ny",
            ".postal_code": "10001",
        },
        "medicines": {".name": HOSTILE, ".dose": HOSTILE[::-1], ".frequency": HOSTILE, ".reason": HOSTILE[::-1]},
        **{
            item.link_id: {"": everything[: item.max_length]} for item in questions.values() if item.type == "long_text"
        },
    }


@pytest.fixture
def hostile(riverside: Clinic) -> list[PatientBrowser]:
    return [PatientBrowser(riverside, hostile_answers(first)).fill_in() for first in (0, 12, 24)]


def test_what_a_patient_typed_is_text_on_every_page_that_anybody_opens(hostile, riverside, watch, as_staff):
    wrong = {}

    def look(watched: Watched, path: str) -> None:
        watched.go(path)
        shown = watched.page.content()
        assert "/admin/" in path or path == "/review/" or any(mark in shown for mark in MARKS), path
        if found := watched.wrong():
            wrong[path] = found

    phone = watch()
    for patient in hostile:
        go_on_as(phone.page, patient)
        look(phone, f"/intake/{patient.public_id}/check/")
        for link_id in ("legal_given_name", "address", "medicines", "other_allergies"):
            look(phone, patient.url(link_id))
        assert patient.submit().status_code == 303
    clinician, desk = as_staff(make_user("clinician", riverside)), as_staff(make_user("front-desk", riverside))
    auditor, administrator = as_staff(make_user("auditor", riverside)), as_staff(make_user("administrator", riverside))
    look(clinician, "/review/")
    for case in Case.objects.all():
        look(clinician, f"/review/{case.reference}/")
        look(desk, f"/review/{case.reference}/")
    look(auditor, f"/admin/{AuditEvent._meta.app_label}/auditevent/")
    look(administrator, "/admin/")
    watched = (phone, clinician, desk, auditor, administrator)
    assert wrong == {}
    assert {host for one in watched for host in one.hosts} == {urlsplit(phone.page.url).netloc}


def test_these_tests_see_a_text_that_became_markup(riverside, hurt):
    """The positive control: the same page, with what was typed not escaped. The policy still lets nothing run."""
    patient = PatientBrowser(riverside)
    patient.save("legal_given_name", legal_given_name={"": "<img src=x onerror=alert(1)><x-mark>"})
    watched = Watched(hurt())
    go_on_as(watched.page, patient)

    def unescape(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=html.unescape(answer.text()))

    watched.page.route("**/check/", unescape)
    watched.go(f"/intake/{patient.public_id}/check/")
    found = watched.wrong()
    assert {"x-mark", "[onerror]", "main img"} <= set(found)
    assert any(told.startswith("script-src-attr inline") for told in found)
    assert not any("alert" in told for told in found)


def test_every_step_of_patient_staff_and_admin_asks_one_host_and_hurts_no_policy(riverside, watch, as_staff):
    phone = watch()
    start = phone.go("/at/riverside/")
    start.get_by_role("button", name="Start now").click()
    for _ in range(3):
        save(start)
        assert phone.wrong() == []
    patient = PatientBrowser(riverside).fill_in()
    assert patient.submit().status_code == 303
    clinician = as_staff(make_user("clinician", riverside))
    reference = Case.objects.get().reference
    for path in ("/review/", "/review/find/", f"/review/{reference}/", f"/review/{reference}/record/reading/"):
        clinician.go(path)
        assert clinician.wrong() == [], path
    # Whoever is signed in may still look at the page for strangers, and at pages that are not there.
    for path in ("/help-now/", "/sign-in/", "/nothing/", "/"):
        phone.go(path)
        assert phone.wrong() == [], path
    own = urlsplit(phone.page.url).netloc
    assert phone.hosts | clinician.hosts == {own}


class TestAdmin:
    """Django's own pages with their scripts, under the policy of ours."""

    @pytest.fixture
    def admin(self, riverside: Clinic, as_staff) -> Watched:
        for n in range(3):
            make_user("front-desk", riverside, name=f"Desk {n}")
        return as_staff(make_user("administrator", riverside))

    def addresses(self, model: str) -> list[str]:
        return [f"/admin/{model}/", f"/admin/{model}/add/"]

    def test_every_list_and_form_works_without_hurting_the_policy(self, admin, riverside):
        page = admin.go("/admin/")
        assert admin.wrong() == []
        links = page.locator("#content-main a[href^='/admin/']")
        paths = sorted({href for n in range(links.count()) if (href := links.nth(n).get_attribute("href"))})
        assert len(paths) >= 4
        for path in paths:
            page = admin.go(path)
            assert admin.wrong() == [], path
            rows = page.locator("#result_list tbody th a")
            if rows.count():
                rows.first.click()
                assert admin.wrong() == [], path

    def test_the_scripts_of_admin_run(self, admin, riverside):
        """jQuery writes markup while it loads: without the policy of `admin_markup.js` none of this would work."""
        page = admin.go("/admin/accounts/user/")
        assert page.evaluate("typeof django.jQuery") == "function"
        assert page.evaluate("django.jQuery('<p class=\"made\">x</p>').length") == 1
        page.get_by_role("button", name="Toggle theme").first.click()
        assert admin.wrong() == []

    def test_the_policy_of_admin_refuses_markup_that_could_run(self, riverside, hurt):
        page = hurt(make_user("administrator", riverside))
        page.goto("/admin/accounts/user/")
        refused = page.evaluate(
            """(texts) => texts.map((text) => {
              const box = document.createElement("div");
              try { box.innerHTML = text; return ""; } catch (error) { return error.name; }
            })""",
            [
                "<script>alert(1)</script>",
                "<img src=x onerror=alert(1)>",
                "<a href='javascript:alert(1)'>x</a>",
                "<p>x</p>",
            ],
        )
        assert refused == ["TypeError", "TypeError", "TypeError", ""]

    def test_a_row_is_added_to_an_inline_form(self, admin, riverside):
        page = admin.go(f"/admin/accounts/user/{User.objects.get(name='Desk 1').pk}/change/")
        before = page.locator(".inline-related tr.form-row:not(.empty-form)").count()
        add = page.locator(".add-row a").first
        if add.count():
            add.click()
            assert page.locator(".inline-related tr.form-row:not(.empty-form)").count() == before + 1
        assert admin.wrong() == []


def test_a_patients_page_refuses_markup_written_by_a_script(riverside, hurt):
    page = hurt()
    page.goto("/at/riverside/")
    assert (
        page.evaluate(
            """() => { try { document.body.innerHTML = "<p>x</p>"; return ""; } catch (e) { return e.name; } }"""
        )
        == "TypeError"
    )
    assert (
        page.evaluate(
            """() => { try { trustedTypes.createPolicy("default", {}); return ""; } catch (e) { return e.name; } }"""
        )
        == "TypeError"
    )


def test_a_hurt_policy_is_told_to_us(riverside, hurt, settings):
    """By report-uri, which a browser sends at once; those of report-to it collects for a minute."""
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {name: policy[name] for name in policy if name != "report-to"}}
    page = hurt()
    page.goto("/at/riverside/")
    with page.expect_response("**/browser-report/") as told:
        page.evaluate("() => { new Image().src = 'https://elsewhere.example/x.png'; }")
    assert told.value.status == 204


def test_forms_are_sent_with_their_origin(riverside, watch):
    """Under Referrer-Policy `no-referrer` a browser sends `Origin: null`, which Django refuses: docs/adr/0018."""
    phone = watch()
    page = phone.go("/at/riverside/")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Start now").click()
    own = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    assert sent.value.all_headers()["origin"] == own
    expect(page.locator("h1")).to_be_visible()
    assert QuestionnaireResponse.objects.count() == 1
    assert RuleSetVersion.objects.exists()
