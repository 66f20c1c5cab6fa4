"""Closing flags: who may, with what, and what a new fact does to a closed one."""

import datetime

import pytest
from django.db import DatabaseError, connection, transaction

from clinic_site.audit.models import AuditEvent
from intake.answers import State
from screening.models import Case, CaseEvent, DetectedIssue, Disposition
from tests.conftest import owner_of_tables
from tests.patients import PatientBrowser
from tests.screening.cases import WORDS, Desk, submitted_case

pytestmark = pytest.mark.django_db
RELATIVE = "psychiatric.dissociative-disorder"
ABSOLUTE = "cardiovascular.aneurysm-avm"
HIGH = {"blood_pressure": {"systolic": "165", "diastolic": "80"}}
PRESSURE = "cardiovascular.blood-pressure"


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic, dissociative_disorder="yes", aneurysm_or_avm="yes")


@pytest.fixture
def owner(case, staff):
    desk = Desk(staff("clinician"), case)
    desk.claim()
    return desk


@pytest.fixture
def second(case, staff):
    return Desk(staff("medical-director"), case)


def test_a_closed_flag_keeps_reason_words_author_and_trace(owner):
    answer = owner.close(RELATIVE, reason="specialist", words="Seen by Dr. Example last week.")
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"#flag-{owner.issue(RELATIVE).id}")
    flag = owner.flags()[RELATIVE]
    assert (flag["closed"], flag["form"]) == (True, None)
    assert flag["dispositions"][0]["words"] == "Seen by Dr. Example last week."
    assert flag["dispositions"][0]["by"] == owner.user
    assert CaseEvent.objects.filter(kind="flag-closed", by=owner.user).count() == 1
    event = AuditEvent.objects.get(action="case.flag-closed")
    assert (event.user, event.detail["rule"], event.detail["reason"]) == (owner.user, RELATIVE, "specialist")
    assert "Seen by" not in str(event.detail)


def test_the_words_of_a_disposition_are_sealed(owner):
    owner.close(RELATIVE, words="Seen by Dr. Example last week.")
    assert b"Seen by" not in bytes(Disposition.objects.get().words)


def test_only_the_owner_closes_a_flag_and_the_words_of_another_are_kept(owner, second):
    answer = second.close(RELATIVE, words="I would close this one.")
    assert answer.status_code == 409
    assert "I would close this one." in answer.content.decode()
    assert not Disposition.objects.exists()


def test_a_flag_of_a_case_that_nobody_has_can_not_be_closed(case, second):
    assert second.close(RELATIVE).status_code == 409
    assert not Disposition.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"reason": ""}, {"reason": "because"}, {"words": ""}, {"words": "Done."}, {"words": " " * 30}]
)
def test_a_close_without_reason_or_words_is_refused_and_keeps_what_was_typed(owner, fields):
    answer = owner.close(RELATIVE, **{"words": "A sentence that took a while.", **fields})
    assert answer.status_code == 422
    assert fields.get("words", "A sentence that took a while.").strip() in answer.content.decode()
    assert not Disposition.objects.exists()


def test_an_incomplete_close_of_a_flag_that_is_gone_keeps_what_was_typed(owner):
    gone = owner.issue(RELATIVE).id
    owner.check_identity()
    posted = {"reason": "", "words": "A sentence that took a while."}
    answer = owner.client.post(f"{owner.url}flags/{gone}/", posted)
    assert answer.status_code in (409, 422)
    assert "A sentence that took a while." in answer.content.decode()


def test_an_absolute_flag_is_closed_by_two_and_not_by_one_twice(owner, second):
    owner.close(ABSOLUTE)
    flag = owner.flags()[ABSOLUTE]
    assert (flag["closed"], flag["needs_second"], flag["form"]) == (False, True, None)
    assert owner.close(ABSOLUTE).status_code == 409
    assert second.close(ABSOLUTE).status_code == 302
    assert owner.flags()[ABSOLUTE]["closed"]
    assert {d.by for d in Disposition.objects.all()} == {owner.user, second.user}


def test_a_flag_that_somebody_closed_is_not_closed_again(owner, second):
    owner.close(RELATIVE)
    answer = second.close(RELATIVE, words="I came too late for this.")
    assert answer.status_code == 409
    assert "I came too late for this." in answer.content.decode()
    assert Disposition.objects.count() == 1


def test_a_flag_from_before_the_rules_ran_again_is_refused_with_the_words_kept(owner):
    old = owner.issue(RELATIVE).id
    owner.check_identity()
    answer = owner.client.post(f"{owner.url}flags/{old}/", {"reason": "addressed", "words": WORDS})
    assert answer.status_code == 409
    assert WORDS in answer.content.decode()


def test_a_flag_of_another_case_can_not_be_closed_through_this_one(owner, clinic):
    foreign = DetectedIssue.objects.get(case=submitted_case(clinic, dissociative_disorder="yes"), rule_id=RELATIVE)
    answer = owner.client.post(f"{owner.url}flags/{foreign.id}/", {"reason": "addressed", "words": WORDS})
    assert answer.status_code == 409
    assert not Disposition.objects.exists()


def test_a_closed_flag_stays_closed_when_the_rules_find_the_same_again(owner, second):
    for desk, rule in ((owner, RELATIVE), (owner, ABSOLUTE), (second, ABSOLUTE)):
        desk.close(rule)
    owner.check_identity()
    flags = owner.flags()
    assert flags[RELATIVE]["closed"]
    assert flags[ABSOLUTE]["closed"]
    assert "identity.unverified" not in flags


def test_a_finding_on_other_facts_is_open_again(published, clinic, staff):
    desk = Desk(staff("clinician"), submitted_case(clinic, **HIGH))
    desk.claim()
    desk.close(PRESSURE)
    desk.record("blood-pressure", systolic="168", diastolic="80")
    assert not desk.flags()[PRESSURE]["closed"]


def test_a_hold_ends_when_a_reading_settles_it(published, clinic, staff):
    unknown = {"blood_pressure": State.NOT_SURE, "bp_reading_date": State.NOT_SURE}
    desk = Desk(staff("clinician"), submitted_case(clinic, **unknown))
    desk.claim()
    assert desk.flags()["intake.incomplete"]["hold"]
    holds = Case.objects.get().holds
    assert desk.record("blood-pressure", systolic="118", diastolic="76").status_code == 302
    assert "intake.incomplete" not in desk.flags()
    assert Case.objects.get().holds == holds - 1


def test_a_reading_can_bring_a_flag(published, clinic, staff):
    desk = Desk(staff("clinician"), submitted_case(clinic))
    desk.record("blood-pressure", systolic="182", diastolic="95")
    assert desk.flags()[PRESSURE]["tier"] == "absolute"
    assert desk.flags()["emergency.bp-crisis"]["tier"] == "emergency"
    assert Case.objects.get().severity == 5


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("blood-pressure", {"systolic": "", "diastolic": "80"}),
        ("blood-pressure", {"systolic": "high", "diastolic": "80"}),
        ("blood-pressure", {"systolic": "118", "diastolic": "76", "observed_on": "2099-01-01"}),
        ("body", {"height_cm": "17", "weight_kg": "70"}),
        ("identity", {"verified": "maybe"}),
        ("identity", {}),
    ],
)
def test_a_reading_that_can_not_be_is_refused_and_keeps_the_note(owner, kind, fields):
    answer = owner.record(kind, note="Taken sitting, left arm.", **fields)
    assert answer.status_code == 422
    assert "Taken sitting, left arm." in answer.content.decode()


def test_an_identity_that_does_not_match_is_a_hold(owner):
    owner.record("identity", verified="no")
    assert owner.flags()["identity.unverified"]["hold"]


def test_an_alarm_from_the_draft_stays_until_it_is_closed(published, clinic, staff):
    patient = PatientBrowser(clinic).fill_in(until="thinking_of_hurting_someone_now")
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now={"": "yes"})
    patient.save("thinking_of_hurting_someone_now")
    patient.fill_in().submit()
    case = Case.objects.get()
    assert case.severity == 5
    desk = Desk(staff("clinician"), case)
    desk.claim()
    flag = desk.flags()["safety.harm-others"]
    assert (flag["from_draft"], flag["blocks_signing"], flag["closed"]) == (True, True, False)
    desk.check_identity()
    assert desk.sign().status_code == 409
    desk.close("safety.harm-others")
    assert desk.sign().status_code == 302


def test_dispositions_and_flags_are_never_edited_or_deleted(owner):
    owner.close(RELATIVE)
    for table in ("screening_disposition", "screening_detectedissue", "screening_caseevent", "screening_assessment"):
        for statement in (f"UPDATE {table} SET case_id = case_id", f"DELETE FROM {table}"):  # noqa: S608
            with owner_of_tables(), pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
                connection.cursor().execute(statement)


def test_a_date_far_in_the_past_is_no_reading_of_today(owner, clinic):
    old = clinic.today() - datetime.timedelta(days=400)
    assert (
        owner.record("blood-pressure", systolic="118", diastolic="76", observed_on=old.isoformat()).status_code == 422
    )
