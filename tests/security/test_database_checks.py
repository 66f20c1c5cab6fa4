"""The server does not start on a database that could lose, show or log what patients wrote."""

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connection

from clinic_site.database import checks
from clinic_site.database.checks import facts_of_server, refusals
from clinic_site.launcher.environment import PROJECT

SOUND = {
    "unbound": False, "maker": False, "creates": False, "owner": False, "reads_rules": False,
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on",
    "log_statement": "none", "log_min_duration_statement": "-1", "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0", "log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "0",
    "unprotected": [], "trusting_rules": 0, "over_network": True, "was_asked_who": True,
}  # fmt: skip

UNSAFE = [
    ({"unbound": True}, "E020"),
    ({"maker": True}, "E021"),
    ({"creates": True}, "E021"),
    ({"owner": True}, "E021"),
    ({"fsync": "off"}, "E022"),
    ({"full_page_writes": "off"}, "E022"),
    ({"synchronous_commit": "off"}, "E022"),
    ({"data_checksums": "off"}, "E023"),
    ({"was_asked_who": False}, "E024"),
    ({"trusting_rules": 1}, "E024"),
    ({"log_statement": "all", "log_parameter_max_length": "0"}, "E025"),
    ({"log_statement": "mod", "log_parameter_max_length": "0"}, "E025"),
    ({"log_statement": "ddl"}, "E025"),
    ({"log_min_duration_statement": "0"}, "E025"),
    ({"log_min_duration_sample": "100"}, "E025"),
    ({"log_transaction_sample_rate": "0.5"}, "E025"),
    ({"log_parameter_max_length_on_error": "-1"}, "E025"),
    ({"unprotected": ["screening_case"]}, "E026"),
]
SAFE = [
    {},
    {"over_network": False, "was_asked_who": False},
    {"synchronous_commit": "remote_apply"},
    {"log_min_duration_statement": "500", "log_parameter_max_length": "0"},
    {"log_statement": "ddl", "log_parameter_max_length": "0"},
]


def identity(changes):
    return " ".join(f"{name}={value}" for name, value in changes.items()) or "as it should be"


@pytest.mark.parametrize(("changes", "code"), UNSAFE, ids=[identity(changes) for changes, _code in UNSAFE])
def test_an_unsafe_setting_is_refused(changes, code):
    found = refusals(SOUND | changes, lenient=False)
    assert [(message.id, message.is_serious()) for message in found] == [(f"clinic.{code}", True)]


@pytest.mark.parametrize("changes", SAFE, ids=identity)
def test_a_safe_one_is_not(changes):
    assert refusals(SOUND | changes, lenient=False) == []


def test_one_role_for_everything_is_only_warned_of_on_a_loopback():
    (message,) = refusals(SOUND | {"owner": True}, lenient=True)
    assert not message.is_serious()
    (message,) = refusals(SOUND | {"unbound": True}, lenient=True)
    assert message.is_serious()


def checked():
    return [message.id for message in checks.database_is_safe(databases=["default"])]


@pytest.fixture
def as_the_program(settings):
    settings.AS_OWNER = False
    settings.PLAIN_HTTP = False


def test_the_project_s_own_server_is_safe_but_for_the_tests_owner(db, as_the_program):
    """The tests sign in as the owner, who makes their database; the check looks at who signed in."""
    facts = facts_of_server()
    assert (facts["owner"], facts["maker"]) == (True, True)
    assert {name: facts[name] for name in SOUND} == SOUND | {
        "owner": True, "maker": True, "creates": True, "over_network": facts["over_network"],
        "was_asked_who": facts["was_asked_who"],
    }  # fmt: skip
    assert checked() == ["clinic.E021"]


def test_a_setting_of_the_running_server_is_seen(db, as_the_program):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        assert checked() == ["clinic.E021", "clinic.E022"]


def test_a_database_that_is_away_is_said_and_does_not_keep_the_crisis_page_down(as_the_program, monkeypatch):
    def away():
        raise OperationalError

    monkeypatch.setattr(checks, "facts_of_server", away)
    assert checked() == ["clinic.W020"]


def test_the_owner_s_commands_are_not_held_up(settings, monkeypatch):
    settings.AS_OWNER = True
    monkeypatch.setattr(checks, "facts_of_server", lambda: pytest.fail("The database was asked."))
    assert checked() == []


def test_it_is_one_of_django_s_checks_for_a_database(db, as_the_program, monkeypatch):
    monkeypatch.setattr(checks, "facts_of_server", lambda: SOUND | {"fsync": "off"})
    assert "clinic.E022" in [message.id for message in run_checks(databases=["default"])]
    assert "clinic.E022" not in [message.id for message in run_checks()]


def test_the_server_does_not_start_as_the_owner_of_the_tables(transactional_db):
    """Behind https, as in production, with the one role that earlier versions had."""
    path, _slash, _name = os.environ["OWNER_DATABASE_URL"].partition("?")[0].rpartition("/")
    options = os.environ["OWNER_DATABASE_URL"].partition("?")[2]
    name = connection.settings_dict["NAME"]
    unset = ("PLAIN_HTTP", "DATABASE_ROLE")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment["DATABASE_URL"] = f"{path}/{name}" + (f"?{options}" if options else "")
    started = subprocess.run(
        [sys.executable, "-c", "import clinic_site.wsgi"],
        env=environment, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert "DATABASE_URL names a role that owns tables" in started.stderr
