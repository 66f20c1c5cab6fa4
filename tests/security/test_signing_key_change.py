"""SECRET_KEY is changed with the earlier one in SECRET_KEY_FALLBACKS: nobody is signed out and nothing typed is lost."""

import os
import subprocess
import sys

import pytest
from django.test import Client, RequestFactory

from clinic_site.accounts.carried import pack, unpack
from clinic_site.launcher.environment import PROJECT
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

OLD, NEW = "old-0123456789-abcdefghijklmnopqrstuvwxyz", "new-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def change(settings):
    """`change()` puts the new key in; `change(keep=False)` without the earlier one, which is what must not be done."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []

    def to_new(*, keep: bool = True) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD] if keep else []

    return to_new


@pytest.mark.parametrize("keep", [True, False])
def test_a_page_that_was_open_is_saved(change, clinic, published, keep):
    patient = PatientBrowser(clinic)
    number = patient.number("legal_given_name")
    url = f"/intake/{patient.public_id}/{number}/"
    ticket = patient.client.get(url).context["ticket"]
    change(keep=keep)
    saved = patient.client.post(url, {**patient.posted(number), "ticket": ticket})
    assert (saved.status_code == 303) is keep
    assert bool(patient.response.document().get("legal_given_name")) is keep


@pytest.mark.parametrize("keep", [True, False])
def test_staff_stay_signed_in(change, staff, signed_in, keep):
    client = signed_in(staff("clinician"))
    change(keep=keep)
    assert client.get("/review/").status_code == (200 if keep else 302)


def test_a_form_with_its_csrf_cookie_goes_through(change, clinic, published):
    client = Client(enforce_csrf_checks=True)
    token = client.get(f"/at/{clinic.slug}/").context["csrf_token"]
    change()
    assert client.post(f"/at/{clinic.slug}/", {"csrfmiddlewaretoken": str(token)}).status_code == 302


@pytest.mark.parametrize("keep", [True, False])
def test_what_an_ended_session_posted_is_still_carried_through_the_sign_in(change, keep):
    packed = pack(RequestFactory().post("/review/find/", {"given_name": "Quixotina"}))
    change(keep=keep)
    assert unpack(packed) == (("/review/find/", [("given_name", "Quixotina")]) if keep else None)


def test_the_earlier_keys_come_from_the_environment():
    code = "import django; django.setup(); from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"
    environment = {**os.environ, "SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == f"['{OLD}']"
