"""Signing a decision: what stands in its way, and what it is bound to."""

import datetime
import threading
import time
from dataclasses import replace

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from intake.answers import State
from screening import engine
from screening.case_page import build_case_page
from screening.models import Case, CaseStatus, Decision, Outcome
from screening.review import Refused, close_flag, record_observation, sign_decision
from tests.conftest import make_clinic, make_user, owner_of_tables, publish_shipped_content
from tests.patients import PatientBrowser
from tests.screening.cases import Desk, submitted_case
from tests.screening.test_claiming import in_threads

pytestmark = pytest.mark.django_db
TYPED = "I weighed this for a long time."


@pytest.fixture
def at_desk(published, clinic, staff):
    """`at_desk(**answers)`: a clinician who has a case with these answers and its identity checked."""

    def sit_down(**answers):
        desk = Desk(staff("clinician"), submitted_case(clinic, **answers))
        desk.claim()
        desk.check_identity()
        return desk

    return sit_down


def signed():
    return Decision.objects.count()


@pytest.mark.parametrize("outcome", Outcome.values)
def test_a_decision_is_stored_with_its_author_and_closes_the_case(at_desk, outcome):
    desk = at_desk()
    answer = desk.sign(outcome=outcome, words=TYPED)
    assert (answer.status_code, answer["Location"]) == (302, f"{desk.url}#decisions")
    decision = Decision.objects.get()
    assert (decision.outcome, decision.signed_by) == (outcome, desk.user)
    case = Case.objects.get()
    assert case.is_open == (outcome == Outcome.MORE_INFORMATION)
    shown = desk.open().content.decode()
    assert TYPED in shown
    assert decision.shown_sha256 in shown


def test_the_words_of_a_decision_are_sealed(at_desk):
    at_desk().sign(words=TYPED)
    assert TYPED.encode() not in bytes(Decision.objects.get().words)


def test_nothing_is_signed_before_the_identity_is_checked(published, clinic, staff):
    desk = Desk(staff("clinician"), submitted_case(clinic))
    desk.claim()
    answer = desk.sign(words=TYPED)
    assert answer.status_code == 409
    assert TYPED in answer.content.decode()
    assert "Identity not checked yet" in answer.content.decode()
    assert signed() == 0


BLOCKERS = [
    ("psychosis.current", {"psychosis_symptoms_past_month": State.NOT_SURE}, "hold"),
    ("medication.unrecognized", {"medicines": {"none": False, "rows": [{"name": "zzqx", "dose": ""}]}}, "held finding"),
    ("safety.harm-others", {"thinking_of_hurting_someone_now": "yes"}, "emergency"),
    ("mania.current", {"mania_symptoms_past_2_weeks": "yes"}, "absolute"),
    ("psychiatric.dissociative-disorder", {"dissociative_disorder": "yes"}, "relative"),
    ("safety.suicide-unanswered", {"wished_dead_past_few_weeks": State.PREFER_NOT_TO_SAY}, "open relative"),
]


@pytest.mark.parametrize(("rule", "answers", "kind"), BLOCKERS, ids=[kind for _rule, _answers, kind in BLOCKERS])
def test_an_open_flag_that_matters_stands_in_the_way_until_it_is_closed(at_desk, staff, rule, answers, kind):
    desk = at_desk(**answers)
    assert set(desk.flags()) == {rule}
    assert desk.sign(words=TYPED).status_code == 409
    assert signed() == 0
    assert desk.close(rule).status_code == 302
    if kind == "absolute":
        assert desk.sign().status_code == 409
        Desk(staff("clinician"), desk.case).close(rule)
    assert desk.sign().status_code == 302


def test_a_rule_that_could_not_be_run_stands_in_the_way(published, clinic, staff, monkeypatch):
    evaluate = engine.evaluate_rule

    def broken(rule, *args):
        if rule.id == "reproductive.breastfeeding":
            raise ZeroDivisionError
        return evaluate(rule, *args)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "evaluate_rule", broken)
        desk = Desk(staff("clinician"), submitted_case(clinic))
        desk.claim()
        desk.check_identity()
    flag = desk.flags()["reproductive.breastfeeding"]
    assert (flag["status"], flag["hold"], flag["tier"]) == ("error", True, "relative")
    assert desk.sign().status_code == 409
    desk.close("reproductive.breastfeeding")
    assert desk.sign().status_code == 302


@pytest.mark.parametrize(
    ("rule", "answers"),
    [
        ("logistics.escort-and-home", {"adult_at_home_evening": "no"}),
        ("age.out-of-range", {"date_of_birth": "1950-01-01"}),
        ("psychiatric.dissociative-disorder", {"dissociative_disorder": State.NOT_SURE}),
    ],
)
def test_a_caution_or_an_open_question_does_not_stand_in_the_way(at_desk, rule, answers):
    desk = at_desk(**answers)
    assert set(desk.flags()) == {rule}
    assert desk.sign().status_code == 302


def test_nothing_is_signed_while_a_reading_has_gone_out_of_date(at_desk, monkeypatch):
    desk = at_desk()
    later = timezone.now() + datetime.timedelta(days=45)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    desk.client.force_login(desk.user)
    assert any("gone out of date" in blocker for blocker in desk.open().context["blockers"])
    answer = desk.sign(words=TYPED)
    assert answer.status_code == 409
    assert TYPED in answer.content.decode()
    assert "A reading has gone out of date" in answer.content.decode()
    desk.record("blood-pressure", systolic="118", diastolic="76")
    assert desk.sign().status_code == 302


def test_a_page_of_the_day_of_the_run_does_not_run_the_rules_again(at_desk, monkeypatch):
    desk = at_desk()
    ran = []
    monkeypatch.setattr("screening.review.screen_or_flag", lambda *_args, **_kwargs: ran.append(1))
    assert desk.open().context["blockers"] == []
    assert ran == []


def test_the_rules_run_before_a_signature_also_on_the_same_day(at_desk, clinic):
    """Whatever changed meanwhile: here, where the clinic may treat."""
    desk = at_desk()
    clinic.licensed_states = []
    clinic.save()
    assert desk.open().context["blockers"] == []
    assert desk.sign().status_code == 409
    assert signed() == 0


def test_only_the_owner_signs(at_desk, staff):
    desk = at_desk()
    other = Desk(staff("clinician"), desk.case)
    answer = other.sign(shown_sha256=desk.shown_sha256(), words=TYPED)
    assert answer.status_code == 409
    assert TYPED in answer.content.decode()
    assert signed() == 0


@pytest.mark.parametrize(
    "fields", [{"outcome": ""}, {"outcome": "eligible"}, {"words": "Fine."}, {"words": ""}, {"shown_sha256": ""}]
)
def test_an_incomplete_decision_is_refused_and_keeps_what_was_typed(at_desk, fields):
    answer = at_desk().sign(**{"words": TYPED, **fields})
    assert answer.status_code == 422
    assert fields.get("words", TYPED) in answer.content.decode()
    assert signed() == 0


def test_an_incomplete_decision_of_somebody_who_may_not_sign_keeps_what_was_typed(at_desk, staff):
    desk = at_desk()
    answer = Desk(staff("clinician"), desk.case).sign(shown_sha256=desk.shown_sha256(), outcome="", words=TYPED)
    assert answer.status_code in (409, 422)
    assert TYPED in answer.content.decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.record("blood-pressure", systolic="121", diastolic="78"),
        lambda desk: desk.close("logistics.escort-and-home"),
        lambda desk: desk.sign(outcome="more-information"),
    ],
    ids=["a new reading", "a flag closed in another tab", "an earlier decision"],
)
def test_a_decision_about_another_screen_is_refused_with_the_words_kept(at_desk, change):
    desk = at_desk(adult_at_home_evening="no")
    before = desk.shown_sha256()
    assert change(desk).status_code == 302
    count = signed()
    answer = desk.sign(shown_sha256=before, words=TYPED)
    assert answer.status_code == 409
    assert TYPED in answer.content.decode()
    assert signed() == count


def test_a_made_up_hash_signs_nothing(at_desk):
    assert at_desk().sign(shown_sha256="0" * 64).status_code == 409
    assert signed() == 0


def test_signing_twice_leaves_one_decision(at_desk):
    desk = at_desk()
    shown = desk.shown_sha256()
    assert desk.sign(shown_sha256=shown).status_code == 302
    answer = desk.sign(shown_sha256=shown, words=TYPED)
    assert answer.status_code == 409
    assert TYPED in answer.content.decode()
    assert "signed “Proceed to evaluation” already" in answer.content.decode()
    assert signed() == 1


def test_more_information_leaves_the_case_open_for_another_decision(at_desk):
    desk = at_desk()
    desk.sign(outcome="more-information")
    assert Case.objects.get().status == CaseStatus.MORE_INFORMATION
    assert desk.sign(outcome="not-at-this-time").status_code == 302
    assert list(Decision.objects.order_by("id").values_list("outcome", flat=True)) == [
        "more-information",
        "not-at-this-time",
    ]


def test_the_hash_of_a_decision_is_that_of_what_was_on_screen(at_desk):
    desk = at_desk(adult_at_home_evening="no")
    shown = desk.shown_sha256()
    desk.sign()
    page = build_case_page(Case.objects.with_record().get())
    assert Decision.objects.get().shown_sha256 == shown == replace(page, decisions=()).shown_sha256
    assert AuditEvent.objects.get(action="case.decision-signed").detail["shown_sha256"] == shown


@pytest.mark.parametrize(
    "answers", [{"aneurysm_or_avm": "yes"}, {"other_allergies": "latex"}, {"aneurysm_or_avm": State.NOT_SURE}]
)
def test_the_hash_changes_with_an_answer(published, clinic, answers):
    hashes = {
        build_case_page(Case.objects.with_record().get(pk=submitted_case(clinic, **one).pk)).shown_sha256
        for one in ({}, answers)
    }
    assert len(hashes) == 2


def test_an_unfinished_case_can_not_be_signed(published, clinic, staff):
    patient = PatientBrowser(clinic).fill_in(until="thinking_of_hurting_someone_now")
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now={"": "yes"})
    desk = Desk(staff("clinician"), Case.objects.get())
    desk.claim()
    desk.close("safety.harm-others")
    answer = desk.sign()
    assert answer.status_code == 409
    assert "has not sent this intake yet" in answer.content.decode()


def test_a_decided_case_takes_no_further_readings_or_closes(at_desk):
    desk = at_desk(adult_at_home_evening="no")
    desk.sign()
    assert desk.record("blood-pressure", systolic="118", diastolic="76", note=TYPED).status_code == 409
    assert desk.close("logistics.escort-and-home").status_code == 409


def test_a_decision_is_never_edited_or_deleted(at_desk):
    at_desk().sign()
    for statement in ("UPDATE screening_decision SET outcome = 'x'", "DELETE FROM screening_decision"):
        with owner_of_tables(), pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
            connection.cursor().execute(statement)


def reading_in(clinic):
    """A claimed case with nothing open but its identity check, made for threads."""
    case = submitted_case(clinic)
    owner = make_user("clinician", clinic)
    desk = Desk(owner, case)
    desk.claim()
    desk.check_identity()
    return case, owner, desk.shown_sha256()


def in_background(act):
    """Starts `act` in a thread and returns a function that waits for what it gave or raised."""
    results = []

    def one():
        try:
            results.append(act())
        except Refused as refusal:
            results.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=one)
    thread.start()

    def result():
        thread.join(timeout=30)
        return results[0]

    return result


def wait_until_blocked():
    """Until some statement waits for a lock that this connection holds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nothing waited for the lock.")


def sign_now(case, owner, shown):
    return sign_decision(case.id, user=owner, outcome=Outcome.PROCEED, words=TYPED, shown_sha256=shown)


@pytest.mark.django_db(transaction=True)
def test_ten_signatures_at_once_leave_one_decision():
    publish_shipped_content()
    case, owner, shown = reading_in(make_clinic("riverside"))
    results = in_threads(10, lambda _index: sign_now(case, owner, shown))
    assert [type(result) for result in results].count(Decision) == 1
    assert all(isinstance(result, Decision | Refused) for result in results)
    assert signed() == 1


@pytest.mark.django_db(transaction=True)
def test_a_signature_that_waited_for_a_new_reading_is_refused():
    """The reading holds the case while the signature comes in: what was on screen is then no longer the case."""
    publish_shipped_content()
    case, owner, shown = reading_in(make_clinic("riverside"))
    with transaction.atomic():
        facts = {"systolic_mmhg": 185.0, "diastolic_mmhg": 80.0}
        record_observation(
            case.id, user=owner, kind="blood-pressure", facts=facts, note="", observed_on=case.clinic.today()
        )
        waiting = in_background(lambda: sign_now(case, owner, shown))
        wait_until_blocked()
    assert isinstance(waiting(), Refused)
    assert signed() == 0


@pytest.mark.django_db(transaction=True)
def test_two_clinicians_who_close_at_once_each_count_once():
    publish_shipped_content()
    clinic = make_clinic("riverside")
    case = submitted_case(clinic, aneurysm_or_avm="yes")
    owner, second = make_user("clinician", clinic), make_user("clinician", clinic)
    desk = Desk(owner, case)
    desk.claim()
    issue = desk.issue("cardiovascular.aneurysm-avm")

    def close(index):
        return close_flag(case.id, issue.id, user=[owner, second][index % 2], reason="addressed", words=TYPED)

    in_threads(6, close)
    by = [disposition.by_id for disposition in case.dispositions.all()]
    assert by.count(owner.id) == 1
    assert by.count(second.id) <= 1
