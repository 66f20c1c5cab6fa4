"""A person whose every word is a marker goes the whole way, and the marker is then looked for wherever it must not be.

In a dump of the whole database, PostgreSQL's log, the program's log, the mail, and the addresses and storage of a
browser: plain, in base64 (all three alignments), hex, UTF-16 and packed.
"""

import contextlib
import logging
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client

from clinic_site.encryption.models import DataKey
from clinic_site.launcher.environment import PROJECT
from clinic_site.launcher.server import Server
from clinic_site.log_lines import JsonLines
from clinic_site.messaging.models import OutboxMessage
from intake import views
from intake.published import questionnaire_of
from screening import views as review
from tests.conftest import make_clinic, make_user, publish_shipped_content
from tests.patients import PatientBrowser
from tests.screening.cases import Desk
from tests.security.canary import traces, written_as

_LETTERS = "bcdfghjklmnpqrstvwxz"


def new_marker() -> str:
    """Letters alone, so that a name, an e-mail address and a note take it; no word of any file has them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(18))


def dump() -> bytes:
    """Every table of this test's database, as a thief of a backup would hold it."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    # The owner of the embedded server reads past row-level security.
    as_owner = url._replace(netloc="postgres@") if url.netloc.endswith("@") else url
    run = subprocess.run(["pg_dump", "--dbname", as_owner.geturl()], capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_every_spelling_of_a_leak_is_found_in_a_string_of_bytes():
    marker = new_marker()
    missed = [name for name, leak in written_as(marker).items() if not traces(b"before\0" + leak + b"\0after", marker)]
    assert missed == []
    assert traces(b"".join(written_as(new_marker()).values()), marker) == []


@pytest.mark.django_db(transaction=True)
def test_the_control_each_kind_of_leak_into_a_table_is_found_in_the_dump():
    clinic = make_clinic("riverside")
    markers = {name: new_marker() for name in written_as("")}
    for name, marker in markers.items():
        leak = written_as(marker)[name]
        if leak.isascii() and b"\0" not in leak:
            OutboxMessage.objects.create(
                clinic=clinic, purpose="leak", recipient="a@b.example", subject="x", body=leak.decode()
            )
        else:
            DataKey.objects.create(clinic=clinic, wrapped=leak, master_key_id="x")
    dumped = dump()
    assert [name for name, marker in markers.items() if not traces(dumped, marker)] == []


@contextlib.contextmanager
def program_log(path: Path) -> Iterator[None]:
    """Everything that the program's loggers say at any level from here on, in the lines that the settings choose."""
    handler = logging.FileHandler(path)
    handler.setFormatter(JsonLines())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def answers_of(marker: str, questionnaire) -> dict:
    """The marker in every box of every question that takes words."""
    parts = {
        "short_text": {"": marker},
        "long_text": {"": f"{marker}\n{marker}"},
        "email": {"": f"{marker}@mail.example"},
        "signature": {".agree": "signed", ".name": marker},
        "address": {".line1": marker, ".line2": marker, ".city": marker, ".state": "NY", ".postal_code": "10001"},
        "medicines": {f".{column}": [marker] for column in ("name", "dose", "frequency", "reason")},
    }
    return {item.link_id: parts[item.type] for item in questionnaire.questions.values() if item.type in parts}


def patient_who_writes(marker: str, clinic) -> PatientBrowser:
    patient = PatientBrowser(clinic)
    patient.answers |= answers_of(marker, questionnaire_of(patient.response))
    return patient


def staff_work(desk: Desk, marker: str) -> None:
    """Takes the case, records, closes, signs, looks up: the marker in every note and reason."""
    desk.claim()
    desk.record("identity", verified="yes", note=marker)
    for flag in [flag for flag in desk.open().context["open_flags"] if flag["blocks_signing"]]:
        assert desk.close(flag["rule"], words=f"{marker} was discussed").status_code == 302
    desk.client.post(f"{desk.url}decision/", {"outcome": "", "words": marker, "shown_sha256": "0" * 64})
    desk.client.post("/review/find/", {"given_name": marker, "family_name": marker, "date_of_birth": "1985-04-27"})
    Client().post(f"{desk.url}record/identity/", {"verified": "yes", "note": marker})
    Client().post("/sign-in/", {"username": f"{marker}@mail.example", "password": f"{marker} {marker}"})


def every_view_fails(patient: PatientBrowser, desk: Desk, marker: str, monkeypatch) -> int:
    """Lets what each view calls fail with the marker in its text; the number of pages that answered 500."""

    def fail(*_args, **_options):
        raise ValueError(f"can not take {marker}")

    calls = [
        (views, ["save_page", "submit_response", "start_response", "questionnaire_of", "record_help_reply"]),
        (review, ["queue_page", "build_case_page", "claim_case", "close_flag", "record_observation", "sign_decision"]),
    ]
    root, number = f"/intake/{patient.public_id}/", patient.number("legal_given_name")
    ticket = patient.client.get(f"{root}{number}/").context["ticket"]
    fields = {**patient.posted(number), "ticket": ticket}
    key = "00000000-0000-0000-0000-000000000001"
    failed = 0
    for module, names in calls:
        for name in names:
            with monkeypatch.context() as patch:
                patch.setattr(module, name, fail)
                phone, computer = (Client(raise_request_exception=False) for _ in range(2))
                phone.cookies, computer.cookies = patient.client.cookies, desk.client.cookies
                answers = [
                    phone.post(f"{root}{number}/", fields),
                    phone.post(f"{root}submit/", {"idempotency_key": key}),
                    phone.post(f"{root}help/", {"reply": "need_help"}),
                    phone.post(f"/at/{patient.clinic.slug}/"),
                    computer.get("/review/"),
                    computer.get(desk.url),
                    computer.post(f"{desk.url}claim/"),
                    computer.post(f"{desk.url}record/identity/", {
                        "verified": "yes", "note": marker, "observed_on": patient.clinic.today().isoformat(),
                    }),
                ]  # fmt: skip
                broken = [answer for answer in answers if answer.status_code == 500]
                assert [marker for answer in broken if marker in answer.content.decode()] == []
                failed += len(broken)
    return failed


@pytest.mark.django_db(transaction=True)
def test_no_word_of_a_person_stands_readable_in_dump_logs_or_mail(tmp_path, settings, monkeypatch):
    publish_shipped_content()
    clinic, marker = make_clinic("riverside"), new_marker()
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    server_log = Server(PROJECT).log
    said_before = server_log.stat().st_size if server_log.exists() else 0
    with program_log(tmp_path / "program.log"):
        patient, unfinished = patient_who_writes(marker, clinic), patient_who_writes(marker, clinic)
        patient.fill_in()
        assert patient.submit().status_code == 303
        unfinished.fill_in(until="anything_else")
        desk = Desk(make_user("clinician", clinic), patient.response.case)
        staff_work(desk, marker)
        assert every_view_fails(unfinished, desk, marker, monkeypatch) >= 10
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("INSERT INTO clinics_clinic (slug, name) VALUES (%s, %s)", [marker, marker])
        call_command("deliver_messages", "--once")
    # The control: the marker is there for whoever may read it.
    assert marker in desk.open().content.decode()
    places = {
        "dump": dump(),
        "program log": (tmp_path / "program.log").read_bytes(),
        "mail": b"".join(path.read_bytes() for path in (tmp_path / "mail").iterdir()),
    }
    if server_log.exists():
        places["PostgreSQL log"] = server_log.read_bytes()[said_before:]
    assert {name: traces(content, marker) for name, content in places.items()} == {name: [] for name in places}
    assert all(len(content) > 100 for name, content in places.items() if name != "PostgreSQL log")
    assert b"ValueError" in places["program log"]
