"""Stored assessments run again: equal, or named."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from intake.answers import State
from screening.models import Assessment
from screening.verification import verified
from tests.conftest import owner_of_tables
from tests.screening.cases import Desk, submitted_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(published, clinic, staff):
    """Assessments of two people: one submitted, one flagged whose pressure staff measured as well."""
    submitted_case(clinic, substance_use_past_30_days=State.NOT_SURE)
    case = submitted_case(clinic, aneurysm_or_avm="yes", suicide_attempt_ever="yes")
    desk = Desk(staff("clinician"), case)
    desk.claim()
    desk.record("blood-pressure", systolic="150", diastolic="95")
    return case


def problems():
    return [one.problem for one in verified() if one.problem]


def test_what_was_stored_is_what_the_rules_give_again(stored):
    assert Assessment.objects.count() == 3
    assert problems() == []


FLIPS = {
    "the tier": "UPDATE screening_assessment SET highest_tier = 'none'",
    "the moment": "UPDATE screening_assessment SET assessed_at = assessed_at + interval '1 second'",
    "the date": "UPDATE screening_assessment SET assessed_on = assessed_on - 1",
    "the engine": "UPDATE screening_assessment SET engine = 'another'",
    "the hash": "UPDATE screening_assessment SET result_sha256 = repeat('0', 64)",
    "the sealed facts": "UPDATE screening_assessment SET facts = set_byte(facts, 60, get_byte(facts, 60) # 1)",
    "the answers": "UPDATE intake_questionnaireresponse SET answers = set_byte(answers, 90, get_byte(answers, 90) # 1)",
    "the tier of a flag": "UPDATE screening_detectedissue SET tier = 'info'",
    "the cause of a flag": "UPDATE screening_detectedissue SET caused_by = '{}'",
    "the hold of a flag": "UPDATE screening_detectedissue SET hold = NOT hold",
    "the fingerprint": "UPDATE screening_detectedissue SET fingerprint = set_byte(fingerprint, 0, get_byte(fingerprint, 0) # 1)",
    "a flag that is gone": "DELETE FROM screening_detectedissue WHERE rule_id = 'cardiovascular.aneurysm-avm'",
}  # fmt: skip


@pytest.mark.parametrize("what", FLIPS)
def test_one_byte_that_is_flipped_is_found(stored, what):
    as_owner(FLIPS[what])
    assert problems()


def as_owner(statement):
    """What somebody with the database in their hands could do: no trigger stands in the way."""
    tables = ("screening_assessment", "screening_detectedissue", "intake_questionnaireresponse")
    with owner_of_tables(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def run(*arguments):
    out = StringIO()
    call_command("verify_assessments", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_counts_and_says_that_all_is_well(stored):
    assert run().startswith("3 assessments are what their inputs give")


def test_the_command_names_what_differs_and_fails(stored):
    as_owner("UPDATE screening_assessment SET highest_tier = 'none'")
    with pytest.raises(CommandError, match="3 of 3 assessments differ"):
        run()


def test_the_command_goes_on_from_where_it_stopped(stored, tmp_path):
    place = tmp_path / "place"
    first = next(iter(verified()))
    place.write_text(str(first.assessment_id))
    assert run("--resume", str(place)).startswith("2 assessments")
    assert not place.exists()


def test_a_place_that_is_none_is_refused(stored, tmp_path):
    place = tmp_path / "place"
    place.write_text("nowhere")
    with pytest.raises(CommandError, match="delete it to begin anew"):
        run("--resume", str(place))


def test_batches_do_not_change_what_is_read(stored):
    assert [one.assessment_id for one in verified(batch=1)] == [one.assessment_id for one in verified(batch=500)]
