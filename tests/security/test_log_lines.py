"""No log line quotes what somebody typed, whatever went wrong."""

import json
import logging
import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.test import Client

from clinic_site.launcher.environment import PROJECT
from clinic_site.log_lines import JsonLines
from intake import views
from tests.patients import PatientBrowser

MARKER = "Zzyzx-Quixotina"


def raised(error: Exception) -> tuple:
    try:
        raise error
    except type(error):
        return sys.exc_info()


def nested() -> tuple:
    try:
        try:
            raise ValueError(MARKER)
        except ValueError as inner:
            raise RuntimeError(MARKER) from inner
    except RuntimeError:
        return sys.exc_info()


def line(name: str, message: object, *args: object, exc_info: tuple | None = None) -> str:
    record = logging.LogRecord(name, logging.ERROR, "/x/module.py", 7, message, args, exc_info)
    return JsonLines().format(record)


@pytest.mark.parametrize(
    "exc_info",
    [raised(ValueError(MARKER)), raised(ValidationError({MARKER: [MARKER]})), raised(KeyError(MARKER)), nested()],
    ids=["value", "validation", "key", "one from another"],
)
def test_an_exception_is_named_by_class_and_place_without_its_text(exc_info):
    written = line("django.request", "Internal Server Error: %s", f"/intake/{MARKER}/", exc_info=exc_info)
    assert MARKER not in written
    assert exc_info[0].__name__ in written
    assert "test_log_lines.py:" in written


@pytest.mark.parametrize("message", ["got %s and %(name)-10.3f", MARKER, ValueError(MARKER)])
def test_a_library_writes_its_own_words_only(message):
    args = ({"name": MARKER},) if "%" not in str(message) else (MARKER, MARKER)
    assert MARKER not in line("some.library", message, *args)
    assert MARKER not in line("some.library", message)


def test_the_web_server_tells_its_processes_and_no_address():
    assert "(pid:7) was sent SIGKILL!" in line("gunicorn.error", "Worker (pid:%s) was sent %s!", 7, "SIGKILL")
    assert "(pid:7) exited with code 3." in line("gunicorn.error", "Worker (pid:%s) exited with code %s.", 7, 3)
    assert MARKER not in line("gunicorn.error", "Error handling request %s", f"/intake/{MARKER}/")
    assert MARKER not in line("gunicorn.error", "Request %s %s", 7, f"SIG{MARKER}")


def test_our_own_loggers_keep_the_reference_they_name():
    written = json.loads(line("intake.views", "Record %s", "AB12-CD34"))
    assert (written["level"], written["logger"], written["message"]) == ("ERROR", "intake.views", "Record AB12-CD34")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2K", "\0"])
def test_a_line_can_not_be_forged_by_a_line_break_in_an_argument(end):
    """Neither for a reader of lines nor for a terminal: what is written is one line of printable ASCII."""
    written = line("intake.views", "Record %s", f"x{end}ERROR forged", exc_info=raised(ValueError(end)))
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written)["message"] == f"Record x{end}ERROR forged"


@pytest.mark.django_db
def test_a_row_that_the_database_refuses_is_not_quoted(clinic):
    with connection.cursor() as cursor:
        try:
            cursor.execute("INSERT INTO clinics_clinic (slug) VALUES (%s)", [MARKER])
        except DatabaseError:
            caught = sys.exc_info()
    assert MARKER in str(caught[1])
    written = line("django.request", "Internal Server Error: %s", "/", exc_info=caught)
    assert MARKER not in written
    assert "23502" in written


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_a_view_that_fails_on_what_was_typed_writes_no_word_of_it(clinic, monkeypatch, capsys):
    patient = PatientBrowser(clinic)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())

    def fail(*_args, **options):
        raise ValueError(f"no such name: {MARKER}")

    monkeypatch.setattr(views, "save_page", fail)
    client = Client(raise_request_exception=False)
    client.cookies = patient.client.cookies
    number = patient.number("legal_given_name")
    url = f"/intake/{patient.public_id}/{number}/"
    ticket = client.get(url).context["ticket"]
    logging.getLogger("django.request").addHandler(handler)
    capsys.readouterr()
    try:
        failed = client.post(url, {**patient.posted(number), "ticket": ticket, "legal_given_name": MARKER})
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert failed.status_code == 500
    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "intake:page" in written
    assert MARKER not in written + failed.content.decode()
    assert patient.public_id not in "".join(row for row in written.splitlines() if '"route":' in row)


def test_the_settings_use_these_lines_everywhere(settings):
    assert {h["formatter"] for h in settings.LOGGING["handlers"].values()} == {"line"}
    assert settings.LOGGING["formatters"] == {"line": {"()": "clinic_site.log_lines.JsonLines"}}


def test_a_process_that_nobody_catches_ends_without_the_text_of_its_exception():
    code = f"import django; django.setup(); raise ValueError('{MARKER}')"
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("builtins.ValueError")
    assert MARKER not in ended.stderr
