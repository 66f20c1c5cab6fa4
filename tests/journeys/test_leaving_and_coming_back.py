"""Leaving in a hurry, a page that was open too long, and coming back on another phone, in a real browser."""

import datetime
import json
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from playwright.sync_api import Error, Page, expect

from clinic_site.clinics.models import Clinic
from intake.access import pass_cookie
from intake.returning import leave_draft
from intake.services import save_page
from tests.intake.returning import SECOND, mailed, with_ways
from tests.journeys.conftest import OpenPage, go_on_as, save
from tests.patients import PatientBrowser

WEATHER = "https://www.weather.gov/"


@pytest.fixture
def leave_from(open_page: OpenPage) -> Callable[..., Page]:
    """A browser that finds a page about the weather without a network."""

    def make(*, scripts: bool) -> Page:
        page = open_page(scripts=scripts)
        page.context.route(f"{WEATHER}**", lambda route: route.fulfill(body="<title>Weather</title>Sunny"))
        return page

    return make


def on_a_page(page: Page, patient: PatientBrowser) -> None:
    """Two pages deep, with the name on the screen."""
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    go_on_as(page, patient)
    page.goto(patient.url("other_allergies"))
    page.goto(patient.url("legal_given_name"))
    assert "Quixotina" in page.content()


def shows_nothing(page: Page) -> None:
    text = page.content()
    assert "Quixotina" not in text
    assert "Riverside" not in text


@pytest.mark.parametrize("scripts", [False, True])
def test_the_back_button_shows_nothing_after_leaving(riverside: Clinic, leave_from, scripts):
    page, patient = leave_from(scripts=scripts), PatientBrowser(riverside)
    on_a_page(page, patient)
    with page.expect_request(WEATHER) as led:
        page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(WEATHER)
    assert "referer" not in led.value.headers
    page.go_back()
    shows_nothing(page)
    page.reload()
    shows_nothing(page)
    again = page.context.new_page()
    again.goto(patient.url("legal_given_name"))
    shows_nothing(again)


@pytest.mark.parametrize("way", ["button", "keys"])
def test_the_back_button_shows_nothing_before_the_server_has_heard(riverside: Clinic, leave_from, way):
    page, patient = leave_from(scripts=True), PatientBrowser(riverside)
    on_a_page(page, patient)
    heard, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def wait_and_leave(*args: Any) -> bool:
        heard.set()
        go_on.wait(timeout=20)
        try:
            return leave_draft(*args)
        finally:
            left.set()

    with mock.patch("intake.return_views.leave_draft", wait_and_leave):
        if way == "button":
            page.get_by_role("button", name="Leave quickly").click()
        else:
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
        page.wait_for_url(WEATHER)
        assert heard.wait(timeout=20)
        page.go_back()
        shows_nothing(page)
        page.goto(patient.url("legal_given_name"))
        shows_nothing(page)
        go_on.set()
        assert left.wait(timeout=20)
    assert patient.response.closed_at is not None


def test_the_back_button_shows_nothing_without_a_network_either(riverside: Clinic, leave_from):
    page, patient = leave_from(scripts=False), PatientBrowser(riverside)
    on_a_page(page, patient)
    page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(WEATHER)
    page.context.set_offline(True)
    with pytest.raises(Error, match="INTERNET_DISCONNECTED"):
        page.go_back()
    page.wait_for_url("chrome-error://**")
    shows_nothing(page)


def test_the_escape_key_twice_leaves_and_takes_the_place_of_the_page(riverside: Clinic, leave_from):
    page, patient = leave_from(scripts=True), PatientBrowser(riverside)
    on_a_page(page, patient)
    before = page.evaluate("history.length")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(WEATHER)
    assert page.evaluate("history.length") == before
    again = page.context.new_page()
    again.goto(patient.url("legal_given_name"))
    shows_nothing(again)


def test_leaving_makes_a_browser_forget_the_form_when_there_is_another_way_back(riverside: Clinic, leave_from):
    page = leave_from(scripts=True)
    patient, _code = with_ways(riverside)
    on_a_page(page, patient)
    page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(WEATHER)
    expect_no_cookie(page, patient)


def expect_no_cookie(page: Page, patient: PatientBrowser) -> None:
    """Waits for the answer to leaving, which the browser takes in the background while it shows another page."""
    page.goto("/help-now/")
    for _ in range(50):
        if pass_cookie(patient.public_id) not in [cookie["name"] for cookie in page.context.cookies()]:
            return
        page.wait_for_timeout(100)
    pytest.fail("the browser still holds the pass")


def test_what_was_typed_before_leaving_is_kept(riverside: Clinic, leave_from):
    page, patient = leave_from(scripts=True), PatientBrowser(riverside)
    go_on_as(page, patient)
    page.goto(patient.url("other_allergies"))
    page.get_by_role("textbox").fill("latex and wool")
    arrived = threading.Event()

    def save_and_tell(*args: Any, **kwargs: Any) -> Any:
        saved = save_page(*args, **kwargs)
        arrived.set()
        return saved

    with mock.patch("intake.views.save_page", save_and_tell):
        page.get_by_role("button", name="Leave quickly").click()
        assert arrived.wait(timeout=20)
    assert patient.response.document().value("other_allergies") == "latex and wool"


def test_a_browser_keeps_nothing_in_its_storage(riverside: Clinic, open_page: OpenPage):
    page, patient = open_page(scripts=True), PatientBrowser(riverside)
    on_a_page(page, patient)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert json.loads(kept) == [{}, {}, ""]
    assert page.evaluate("indexedDB.databases().then((found) => found.length)") == 0


# ── a page that is open too long ───────────────────────────────────────────────────────────────────────────────────


def test_a_page_warns_before_it_closes_and_stays_open_when_asked_to(riverside: Clinic, open_page: OpenPage):
    page, patient = open_page(scripts=True), PatientBrowser(riverside)
    page.clock.install()
    go_on_as(page, patient)
    page.goto(patient.url("other_allergies"))
    notice = page.get_by_role("alert").filter(has_text="Are you still there?")
    page.clock.fast_forward("17:00")
    expect(notice).to_be_hidden()
    page.clock.fast_forward("01:15")
    expect(notice).to_be_visible()
    page.get_by_role("textbox").fill("latex")
    with page.expect_response(lambda answer: answer.request.method == "HEAD") as stayed:
        page.get_by_role("button", name="Stay on this page").click()
    assert stayed.value.status == 200
    expect(notice).to_be_hidden()
    page.clock.fast_forward("05:00")
    expect(page.get_by_role("textbox")).to_have_value("latex")


def test_a_page_that_closes_keeps_what_was_typed_and_shows_nothing(riverside: Clinic, open_page: OpenPage):
    page, patient = open_page(scripts=True), PatientBrowser(riverside)
    page.clock.install()
    go_on_as(page, patient)
    page.goto(patient.url("other_allergies"))
    page.get_by_role("textbox").fill("latex")
    with later(minutes=20, seconds=5):
        page.clock.fast_forward("20:15")
        expect(page.locator("h1")).to_have_text("Your answer is kept")
        assert "latex" not in page.content()
        page.get_by_role("button", name="Go on with the form").click()
        page.wait_for_url("**/intake/**")
    assert patient.response.document().value("other_allergies") == "latex"


def later(**ahead: float):
    return mock.patch("django.utils.timezone.now", return_value=timezone.now() + datetime.timedelta(**ahead))


def test_a_page_asks_the_server_nothing_while_it_stands_open(riverside: Clinic, open_page: OpenPage):
    page, patient = open_page(scripts=True), PatientBrowser(riverside)
    page.clock.install()
    go_on_as(page, patient)
    page.goto(patient.url("other_allergies"))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward("19:30")
    expect(page.get_by_role("alert").filter(has_text="Are you still there?")).to_be_visible()
    # The browser fetches the picture of its tab when it likes.
    assert [address for address in asked if not address.endswith("/favicon.svg")] == []


# ── coming back ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mailed_link_leaves_no_token_in_the_address_or_the_history(riverside: Clinic, open_page: OpenPage):
    patient, _code = with_ways(riverside)
    token, _typed = mailed(riverside)
    page, asked = open_page(scripts=True), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/at/riverside/continue/open/#{token}")
    expect(page.get_by_text("Your link was read")).to_be_visible()
    assert token not in page.url
    page.get_by_label("Your six digits or your passphrase").fill(SECOND)
    page.get_by_role("button", name="Open my form").click()
    page.wait_for_url("**/intake/**")
    assert [url for url in asked if token in url.partition("#")[0]] == []
    page.goto(patient.url("legal_given_name"))
    assert "Quixotina" in page.content()
    page.go_back()
    page.go_back()
    assert token not in page.url


def test_a_person_without_scripts_sets_up_a_way_back_and_uses_it_on_another_phone(
    riverside: Clinic, open_page: OpenPage
):
    first, patient = open_page(), PatientBrowser(riverside)
    go_on_as(first, patient)
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    first.goto(patient.url("phone"))
    first.get_by_label("Phone number").fill("212 555 0100")
    first.get_by_label("Leave a voicemail").check()
    save(first)
    expect(first.locator("h1")).to_have_text("Do you want a way to come back?")
    first.get_by_label("Six digits or a passphrase").fill(SECOND)
    first.get_by_label("The same once more").fill(SECOND)
    first.get_by_label("Show me a code to write down").check()
    save(first)
    code = first.locator(".reference").inner_text()

    other = open_page()
    other.goto("/at/riverside/")
    other.get_by_role("link", name="Go on with a form").click()
    other.get_by_role("link", name="I have a code").click()
    other.get_by_label("The code").fill(code.lower())
    other.get_by_label("Your six digits or your passphrase").fill(SECOND)
    other.get_by_role("button", name="Open my form").click()
    other.wait_for_url("**/intake/**")
    other.goto(patient.url("legal_given_name"))
    expect(other.get_by_label("Legal first name")).to_have_value("Quixotina")
    first.reload()
    first.goto(patient.url("legal_given_name"))
    assert "Quixotina" not in first.content()
