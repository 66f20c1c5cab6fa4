"""A statement, a lock or a transaction that takes too long ends, and a page says so without losing what was there."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from clinic_site.launcher.environment import PROJECT
from intake.models import QuestionnaireResponse
from tests.conftest import make_clinic, publish_shipped_content
from tests.patients import PatientBrowser

SHOWN = (
    "from django.db import connection as c; k = c.cursor(); print([k.execute('SHOW ' + n).fetchone()[0] for n in {}])"
)


def limits_in(command, **environment):
    names = [*settings.TIME_LIMITS]
    process = subprocess.run(
        [sys.executable, *command, SHOWN.format(names)],
        env={name: value for name, value in os.environ.items() if name != "DATABASE_TIME_LIMITS"} | environment,
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return process.stdout.strip().splitlines()[-1]


def test_what_serves_pages_has_limits_and_a_command_has_none(db):
    assert settings.TIME_LIMITS == {
        "statement_timeout": "5s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "10s",
    }
    web = ["-c", "import sys, django; django.setup(); exec(sys.argv[1])"]
    assert limits_in(web) == "['5s', '3s', '10s']"
    assert limits_in(["manage.py", "shell", "--no-imports", "-c"]) == "['0', '0', '0']"


@pytest.fixture
def draft(transactional_db):
    publish_shipped_content()
    return PatientBrowser(make_clinic("riverside"))


def test_a_page_that_waits_too_long_for_a_lock_says_so_and_saves_nothing(draft):
    """Somebody else's transaction holds the row; a shorter limit than that of the settings stands in for it."""
    url = draft.url("aneurysm_or_avm")
    fields = {"ticket": draft.client.get(url).context["ticket"], "aneurysm_or_avm": "no"}
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        with psycopg.connect(**other()) as holder:
            holder.execute("SELECT set_config('app.clinics', 'everything', true)")
            holder.execute("SELECT id FROM intake_questionnaireresponse FOR UPDATE")
            assert draft.client.post(url, fields).status_code == 503
        assert draft.client.post(url, fields).status_code == 303
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert QuestionnaireResponse.objects.get().revision == 1


def other():
    info = connection.connection.info
    return {"host": info.host, "port": info.port, "user": info.user, "password": info.password, "dbname": info.dbname}


def test_a_statement_that_takes_too_long_is_ended(db):
    with (
        psycopg.connect(**other(), options="-c statement_timeout=100ms") as own,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        own.execute("SELECT pg_sleep(60)")
