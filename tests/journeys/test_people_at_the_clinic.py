"""How administrators bring somebody in and let them go, in a real browser; every page of it looked at by axe."""

import os
import re

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from playwright.sync_api import Locator, Page, expect

from clinic_site.accounts.models import User
from clinic_site.messaging.worker import deliver_waiting
from tests.conftest import PASSWORD, make_user
from tests.journeys.conftest import DESK
from tests.journeys.test_every_kind_of_page import AXE, CONTRAST_ONLY, TOO_WIDE

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("PICTURES", "")


def look(page: Page, name: str) -> None:
    """Nothing for axe, nothing wider than a telephone. With PICTURES set to a folder, a picture of each width."""
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True, caret="initial")
        assert page.evaluate(TOO_WIDE) == [], (name, width)
    assert findings(page) == [], name


def follow(page: Page, link: Locator) -> None:
    """A click, and the whole page that it leads to: axe looks at what is there, not at what is on its way."""
    with page.expect_navigation():
        link.click()


def findings(page: Page) -> list[str]:
    """What axe finds. Unlike our own pages, admin's styles import others, and its colours fade into each other."""
    found = []
    # Axe reads imported styles by writing them into the page, which the content security policy refuses.
    for scheme, options in (("light", {"resultTypes": ["violations"]}), ("dark", CONTRAST_ONLY)):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(
            "() => Promise.all(document.getAnimations().map((animation) => animation.finished)).then(() => 0)"
        )
        for violation in AXE.run(page, options={**options, "preload": False}).response["violations"]:
            found += [f"{scheme} {violation['id']}: {node['target']}" for node in violation["nodes"][:4]]
    page.emulate_media(color_scheme="light")
    return found


def browser_of(open_page, user: User) -> Page:
    client, name = Client(), settings.SESSION_COOKIE_NAME
    client.force_login(user)
    page = open_page(scripts=True, viewport=DESK)
    page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/", "httpOnly": True}]
    )
    return page


def test_somebody_is_invited_by_two_comes_in_and_leaves(riverside, open_page):
    avery, blake = (make_user("administrator", riverside, name=name) for name in ("Avery Admin", "Blake Admin"))
    first, second = browser_of(open_page, avery), browser_of(open_page, blake)

    # When Avery asks for an account, with a mistake first
    first.goto("/admin/accounts/user/")
    look(first, "people")
    follow(first, first.get_by_role("link", name="Invite somebody"))
    follow(first, first.get_by_role("button", name="Ask for an account"))
    expect(first.locator(".errornote")).to_be_visible()
    look(first, "invite-mistake")
    first.get_by_label("Name").fill("Dr. Dana Example")
    first.get_by_label("Email address").fill("dana@riverside.example")
    first.get_by_label("Clinician").check()
    follow(first, first.get_by_role("button", name="Ask for an account"))
    expect(first.locator(".success")).to_contain_text("another administrator agrees")

    # Then Blake finds the request and agrees
    second.goto("/admin/accounts/user/")
    follow(second, second.get_by_role("link", name="Requests that wait"))
    look(second, "requests")
    follow(second, second.get_by_role("link", name=re.compile(r"\d{4}")).first)
    look(second, "request")
    second.get_by_role("button", name="Approve").click()
    expect(second.locator(".success")).to_contain_text("in effect now")

    # And Dana opens the link from the mail, which leaves no trace in the address
    deliver_waiting()
    (address,) = re.findall(r"https?://\S+", mail.outbox[-1].body)
    dana = open_page(scripts=True, viewport=DESK)
    dana.goto(address)
    expect(dana.get_by_label("Code from the mail")).to_have_value(address.partition("#")[2])
    assert "#" not in dana.url
    look(dana, "join")
    dana.locator("#id_password").fill(PASSWORD)
    dana.get_by_label("Password again").fill(PASSWORD)
    dana.get_by_role("button", name="Keep this password").click()
    expect(dana.locator("h1")).to_have_text("Your password is set")
    look(dana, "joined")

    # When Dana leaves, one step ends it all
    person = User.objects.get(email="dana@riverside.example")
    first.goto(f"/admin/accounts/user/{person.pk}/change/")
    look(first, "person")
    follow(first, first.get_by_role("link", name="New start of sign-in"))
    look(first, "new-start")
    first.go_back()
    follow(first, first.get_by_role("link", name="Leaves the clinic"))
    look(first, "leaving")
    first.get_by_label("Left the clinic").check()
    first.get_by_role("button", name="End all access").click()
    expect(first.locator(".success")).to_contain_text("Everything has ended")
    assert not User.objects.get(pk=person.pk).is_active
