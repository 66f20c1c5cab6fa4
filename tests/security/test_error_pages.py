"""What somebody in need reads when something fails. None of these tests has a database."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.template.loader import render_to_string
from django.test import Client

from clinic_site.limits.bodies import LONGEST_BODY, MOST_FIELDS
from tests.architecture.source import ROOT

ERRORS = (400, 403, 404, 405, 413, 429, 500, 503)
LINES = ('href="tel:988"', 'href="sms:988"', 'href="tel:911"')


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_page_needs_nothing_and_shows_the_crisis_lines(code):
    page = render_to_string(f"{code}.html")
    assert [line for line in LINES if line not in page] == []
    assert "Thinking about suicide? 988. Emergency? 911." in page


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_page_asks_for_no_file_that_could_be_missing(code):
    """It names its style sheet outright: the list of hashed names may be what failed."""
    page = render_to_string(f"{code}.html")
    assert "/static/site.css" in page
    assert (ROOT / "clinic_site" / "static" / "site.css").exists()
    assert "<script" not in page


def refused_without_a_token():
    return Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "a"})


def too_large():
    return Client().post("/sign-in/", {"username": "a" * LONGEST_BODY})


def too_many_fields():
    return Client().post("/sign-in/", {f"f{n}": "" for n in range(MOST_FIELDS + 1)})


def foreign_host():
    return Client().get("/", headers={"host": "elsewhere.example"})


def unknown_address():
    return Client().get("/nothing/here/")


@pytest.mark.parametrize(
    ("ask", "status", "heading"),
    [
        (foreign_host, 400, "We could not read what was sent"),
        (too_many_fields, 400, "We could not read what was sent"),
        (refused_without_a_token, 403, "You can not open this page"),
        (unknown_address, 404, "We could not find this page"),
        (too_large, 413, "That was more than we can take at once"),
    ],
)
def test_a_refusal_is_a_page_with_the_crisis_lines(ask, status, heading):
    answer = ask()
    said = answer.content.decode()
    assert answer.status_code == status
    assert heading in said
    assert [line for line in LINES if line not in said] == []


@pytest.mark.parametrize(
    ("failure", "status", "heading"),
    [
        (RuntimeError("a mistake of ours"), 500, "Something went wrong on our side"),
        (SuspiciousOperation("odd"), 400, "We could not read what was sent"),
    ],
)
def test_a_failure_is_a_page_with_the_crisis_lines_and_no_word_of_the_failure(monkeypatch, failure, status, heading):
    def fail(*_arguments, **_named):
        raise failure

    monkeypatch.setattr("intake.views.render", fail)
    answer = Client(raise_request_exception=False).get("/help-now/")
    said = answer.content.decode()
    assert answer.status_code == status
    assert heading in said
    assert str(failure) not in said
    assert [line for line in LINES if line not in said] == []


@pytest.mark.parametrize("ask", [unknown_address, refused_without_a_token, too_large, foreign_host])
def test_an_error_page_is_not_kept_and_not_framed(ask):
    answer = ask()
    assert answer["X-Frame-Options"] == "DENY"
    assert "no-store" in answer["Cache-Control"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_the_help_page_needs_no_database():
    """A test without a database fails on any query."""
    said = Client().get("/help-now/").content.decode()
    assert [line for line in LINES if line not in said] == []
    assert "838255" in said
