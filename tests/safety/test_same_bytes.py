"""The same person gives the same bytes: whatever the order, the process, the clock, the language and the zone of the server."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from django.test import override_settings
from django.utils import timezone, translation

from clinic_site.publishing.documents import canonical_form
from intake.answers import AnswerDocument
from screening.engine import assess
from screening.facts import derive
from screening.rules import RuleSet
from tests.safety.generated import RULES, budget, facts_for, facts_of, random_document

ROOT = Path(__file__).parents[2]
PEOPLE = budget(8, 400)
# Prints one hash a person, in a process in which asking for the time or the date is an error.
IN_A_PROCESS_WITHOUT_CLOCK = """
import datetime, time
import django
django.setup()
from tests.safety import test_same_bytes
people = test_same_bytes.people()
def no_clock(*_):
    raise AssertionError("the assessment asked for the time")
class Date(datetime.date):
    today = classmethod(no_clock)
class Instant(datetime.datetime):
    now = utcnow = today = classmethod(no_clock)
datetime.date, datetime.datetime, time.time = Date, Instant, no_clock
print(*test_same_bytes.hashes(people))
"""
SERVERS = [
    {"PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "America/New_York", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"PYTHONHASHSEED": "20261123", "TZ": "Pacific/Pago_Pago", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"},
]


def people():
    return [random_document(Random(f"same bytes {number}")) for number in range(PEOPLE)]


def bytes_of(document):
    return canonical_form(assess(RULES, facts_of(document).values).to_json()).encode()


def hashes(documents):
    return [sha256(bytes_of(document)).hexdigest() for document in documents]


@pytest.fixture(scope="module")
def here():
    return hashes(people())


def test_another_process_another_zone_another_language_and_no_clock_give_the_same_bytes(here):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", IN_A_PROCESS_WITHOUT_CLOCK],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "clinic_site.settings", **server},
            stdout=subprocess.PIPE,
            text=True,
        )
        for server in SERVERS
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs)
    assert [output.split() for output in outputs] == [here] * len(runs)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_the_zone_and_the_language_of_the_site_change_no_byte(here, zone):
    for language in ("en", "es", "tr"):
        with override_settings(TIME_ZONE=zone), timezone.override(zone), translation.override(language):
            assert hashes(people()) == here, language


def test_the_order_in_which_answers_came_changes_no_byte(here):
    for number, (document, expected) in enumerate(zip(people(), here, strict=True)):
        answers = list(document.answers.items())
        for turn in range(3):
            Random(f"order {number} {turn}").shuffle(answers)
            assert hashes([AnswerDocument(dict(answers))]) == [expected], (number, turn)


def test_the_order_of_facts_and_of_lines_of_medicines_changes_no_byte():
    for number in range(PEOPLE):
        chance = Random(f"facts in order {number}")
        given = facts_of(random_document(chance))
        expected = assess(RULES, given.values).to_json()
        for _ in range(3):
            facts = list(given.values.items())
            chance.shuffle(facts)
            assert assess(RULES, dict(facts)).to_json() == expected, number
            lines = list(given.lists.get("medicines_as_typed", ()))
            chance.shuffle(lines)
            told = {name: value for name, value in given.values.items() if name not in given.derived}
            given_again = type(given)(told, given.states, {"medicines_as_typed": tuple(lines)} if lines else {})
            assert assess(RULES, derive(given_again, RULES.lexicon).values).to_json() == expected, number


def test_what_was_assessed_before_changes_no_byte(here):
    fresh = RuleSet.from_folder()
    assert fresh.sha256 == RULES.sha256
    for rule in RULES.rules:
        for facts in facts_for(rule, 5):
            assess(RULES, facts)
    assert hashes(people()[::-1]) == here[::-1]
    assert [
        sha256(canonical_form(assess(fresh, facts_of(document).values).to_json()).encode()).hexdigest()
        for document in people()
    ] == here
