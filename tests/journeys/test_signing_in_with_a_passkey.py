"""Signing in with a passkey, in a browser with an authenticator of its own and the strict policy for content."""

import re

import pytest
from playwright.sync_api import Page, expect

from clinic_site.accounts.factors import APP, app_code, current_step, kinds_of
from tests.conftest import PASSWORD
from tests.journeys.conftest import DESK, sign_in


@pytest.fixture
def desk(open_page) -> Page:
    """A browser with a fingerprint reader, so to speak."""
    page = open_page(scripts=True, viewport=DESK)
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    authenticator = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
    return page


def test_a_clinician_adds_a_passkey_and_signs_in_with_it(employ, desk):
    user = employ("clinician")
    sign_in(desk, user)
    desk.get_by_role("link", name=user.name).click()
    desk.get_by_role("link", name="Add a passkey").click()
    desk.get_by_label("A name for it").fill("Work laptop")
    desk.get_by_role("button", name="Make the passkey").click()
    expect(desk.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    desk.get_by_role("button", name="Sign out").click()
    desk.get_by_role("button", name="Use a passkey").click()
    expect(desk.get_by_role("heading", name="Queue")).to_be_visible()
    desk.goto("/factors/")
    expect(desk.get_by_text("Work laptop")).to_be_visible()


def test_somebody_new_makes_the_first_factor_on_a_phone_without_scripts(employ, page):
    user = employ("clinician")
    user.authenticator_set.all().delete()
    page.goto("/sign-in/")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Use an app that shows codes").click()
    secret = re.sub(r"\s", "", page.locator(".app-key").inner_text())
    page.get_by_label("The six digits").fill(app_code(secret, current_step()))
    page.get_by_role("button", name="Use this app").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have written them down").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    assert APP in kinds_of(user)


def test_the_code_of_a_mailed_link_leaves_the_address_and_fills_its_box(riverside, open_page):
    page = open_page(scripts=True)
    page.goto("/password/new/#somebody.abc-def")
    expect(page.get_by_label("Code from the mail")).to_have_value("somebody.abc-def")
    assert page.url.endswith("/password/new/")
