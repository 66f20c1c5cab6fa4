"""What whoever watches the program is told, each cause broken once. The public learns one word."""

import os
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client

from clinic_site import health
from clinic_site.encryption.cipher import CannotOpen
from intake.models import QuestionnaireVersion
from screening.models import RuleSetVersion
from tests.patients import PatientBrowser

WORDS = ("ready\n", "not ready\n")


def ready(settings=None):
    answer = Client().get("/readyz")
    assert answer.content.decode() in WORDS
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    return (answer.status_code, answer.content.decode()) == (200, "ready\n")


def test_the_program_says_that_it_lives_without_asking_the_database():
    """A test without a database fails on any query."""
    answer = Client().get("/livez")
    assert (answer.status_code, answer.content) == (200, b"alive\n")


def test_it_is_ready_when_everything_a_patient_needs_is_there(published, clinic):
    PatientBrowser(clinic)
    assert ready()


def test_it_is_not_ready_without_the_database(monkeypatch, published, caplog):
    def away():
        raise OperationalError("connection to server at 10.0.0.9 failed: password of clinic")

    monkeypatch.setattr(health, "CHECKS", (away,))
    assert not ready()
    assert [r.getMessage() for r in caplog.records if r.name == "clinic_site.health"] == [
        "Not ready: away: OperationalError"
    ]


@pytest.mark.parametrize("model", [QuestionnaireVersion, RuleSetVersion])
def test_it_is_not_ready_without_published_content(published, model):
    model.objects.filter(status="published").update(status="retired")
    assert not ready()


def test_it_is_not_ready_when_the_keys_are_not_those_of_the_database(monkeypatch, published):
    monkeypatch.setattr(health, "misfits", lambda: ["The master key 0123 is missing."])
    assert not ready()


@pytest.mark.parametrize("error", [CannotOpen, ImproperlyConfigured])
def test_it_is_not_ready_when_the_keys_can_not_be_read(monkeypatch, published, error):
    def unreadable():
        raise error

    monkeypatch.setattr(health, "misfits", unreadable)
    assert not ready()


def test_it_is_not_ready_before_every_migration_ran_and_asks_again(monkeypatch, published):
    health._all_migrations_ran.cache_clear()
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: [("one", False)])
    assert not ready()
    monkeypatch.undo()
    assert ready()


def test_it_is_not_ready_when_nobody_seals_the_audit(settings, tmp_path, published):
    heads = tmp_path / "heads.log"
    settings.AUDIT_HEADS_FILE = str(heads)
    assert not ready()
    heads.write_text("head\n")
    assert ready()
    long_ago = time.time() - health.OLDEST_HEADS_SECONDS - 60
    os.utime(heads, (long_ago, long_ago))
    assert not ready()
