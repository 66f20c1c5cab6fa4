"""A real browser on a real server: a phone of 360 pixels without JavaScript, unless a test asks for more.

Whatever goes wrong behind the page fails the test too: a static file that is missing, a page that fails, an error in
the console.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from clinic_site.accounts.factors import add_app
from clinic_site.accounts.models import User
from clinic_site.clinics.models import Clinic
from intake.access import pass_cookie
from tests.conftest import APP_SECRET, PASSWORD, make_clinic, make_user, next_code, publish_shipped_content
from tests.patients import PatientBrowser

# Playwright runs an event loop in the thread of the test.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic",
]  # fmt: skip
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((path for name in _PROGRAMS if (path := shutil.which(name))), "/usr/bin/chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[OpenPage]:
    """`open_page(scripts=…, viewport=…, storage_state=…)`: a page of a browser of its own."""
    contexts, faults = [], []

    def watch_response(response: Response) -> None:
        static = "/static/" in response.url
        if response.status >= 500 or (static and response.status >= 400):
            faults.append(f"{response.status} {response.url}")

    def watch_console(message: ConsoleMessage) -> None:
        # Chromium writes an error for every page that answers 4xx, which some here are meant to.
        expected = message.text.startswith("Failed to load resource") and "/static/" not in message.location["url"]
        if message.type == "error" and not expected:
            faults.append(f"console: {message.text}")

    def make(
        *, scripts: bool = False, viewport: Mapping[str, int] = PHONE, storage_state: Any = None, **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            java_script_enabled=scripts,
            viewport=dict(viewport),
            storage_state=storage_state,
            **options,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("response", watch_response)
        page.on("console", watch_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A phone without JavaScript."""
    return open_page()


@pytest.fixture
def riverside(transactional_db: None) -> Clinic:
    """A clinic that takes patients. Published anew: the tests before have emptied the tables."""
    publish_shipped_content()
    return make_clinic("riverside")


@pytest.fixture
def employ(riverside: Clinic) -> Callable[[str], User]:
    """`employ("clinician")` makes a member of staff who can sign in with `PASSWORD` and a code."""

    def employed(role: str) -> User:
        user = make_user(role, riverside)
        user.set_password(PASSWORD)
        user.save()
        add_app(user, APP_SECRET)
        return user

    return employed


def sign_in(page: Page, user: User) -> None:
    """Through the sign-in page, as staff do."""
    page.goto("/sign-in/")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code from your app").fill(next_code(user))
    page.get_by_role("button", name="Go on").click()


def go_on_as(page: Page, patient: PatientBrowser) -> None:
    """Hands the draft of a patient, who came this far without a browser, to this one."""
    name = pass_cookie(patient.public_id)
    value = patient.client.cookies[name].value
    page.context.add_cookies([{"name": name, "value": value, "domain": "localhost", "path": "/", "httpOnly": True}])


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and continue").click()
