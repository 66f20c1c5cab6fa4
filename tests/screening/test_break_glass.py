"""Cases that somebody else has: closed to the other clinicians, unless they give a reason that everybody learns of."""

import datetime
import threading
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from clinic_site.accounts.models import Membership
from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from screening.break_glass import break_glass
from screening.models import BreakGlass, Case, CaseEvent, Disposition
from tests.conftest import make_clinic, make_user, publish_shipped_content
from tests.screening.cases import WORDS, Desk, submitted_case

pytestmark = pytest.mark.django_db
REASON = "The patient is on the phone, and Dr. First is on leave."
ABSOLUTE, RELATIVE = "cardiovascular.aneurysm-avm", "psychiatric.dissociative-disorder"
ANSWER = "typed other_allergies"


class Reader(Desk):
    def open_with(self, reason=REASON):
        return self.client.post(f"{self.url}open/", {"reason": reason})

    def reads(self):
        """Whether the case page opens with the patient's answers on it; else it leads to where a reason is asked."""
        answer = self.open()
        if answer.status_code == 200:
            return ANSWER in answer.content.decode()
        assert (answer.status_code, answer["Location"]) == (302, f"{self.url}open/")
        return False


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic, aneurysm_or_avm="yes", dissociative_disorder="yes", other_allergies="walnuts")


@pytest.fixture
def owner(case, staff):
    desk = Reader(staff("clinician", name="Dr. Ada First"), case)
    desk.claim()
    return desk


@pytest.fixture
def other(owner, staff):
    return Reader(staff("clinician", name="Dr. Bea Second"), owner.case)


@pytest.fixture
def later(monkeypatch):
    """`later(minutes)` lets so much time go by for whoever broke the glass; their session is kept alive."""
    now = timezone.now

    def pass_by(minutes):
        clock = SimpleNamespace(now=lambda: now() + datetime.timedelta(minutes=minutes))
        monkeypatch.setattr("screening.relation.timezone", clock)

    return pass_by


def decide(desk):
    for rule in (ABSOLUTE, RELATIVE):
        desk.close(rule)
    Desk(make_user("medical-director", desk.case.clinic), desk.case).close(ABSOLUTE)
    desk.check_identity()
    assert desk.sign().status_code == 302


# ── whose case it is ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_that_nobody_has_is_read_by_every_clinician_of_the_clinic(case, staff):
    assert Reader(staff("clinician"), case).reads()


def test_a_case_that_somebody_has_is_read_by_them_and_by_no_other_clinician(owner, other):
    assert (owner.reads(), other.reads()) == (True, False)


def test_a_case_that_was_handed_back_is_read_by_every_clinician_again(owner, other):
    owner.release()
    assert other.reads()


def test_a_medical_director_reads_every_case_of_the_clinic(owner, staff):
    assert Reader(staff("medical-director"), owner.case).reads()


def test_a_case_that_waits_for_a_second_clinician_is_read_by_every_clinician_until_one_has_agreed(owner, other, staff):
    third = Reader(staff("clinician"), owner.case)
    owner.close(ABSOLUTE)
    assert (other.reads(), third.reads()) == (True, True)
    row = other.client.get("/review/").content.decode()
    assert "Needs a second clinician" in row
    assert other.close(ABSOLUTE).status_code == 302
    assert third.reads() is False
    assert "Needs a second clinician" not in other.client.get("/review/").content.decode()


def test_a_flag_that_needs_one_clinician_invites_nobody(owner, other):
    owner.close(RELATIVE)
    assert other.reads() is False


def test_the_second_clinician_goes_on_reading_what_they_answered_for(owner, other):
    owner.close(ABSOLUTE)
    other.close(ABSOLUTE)
    assert other.reads()


def test_a_decided_case_is_read_by_those_who_decided_it_and_by_no_other_clinician(owner, other):
    decide(owner)
    owner.release()
    assert (owner.reads(), other.reads()) == (True, False)


def test_the_front_desk_reaches_the_person_of_every_case_and_never_an_answer(owner, staff):
    page = Desk(staff("front-desk"), owner.case).open()
    assert page.status_code == 200
    assert ANSWER not in page.content.decode()


def test_an_alarm_after_the_decision_puts_the_case_before_its_owner_not_before_everybody(owner, other):
    decide(owner)
    Case.objects.filter(pk=owner.case.pk).update(status="in-review", closed_at=None)
    assert (owner.reads(), other.reads()) == (True, False)


# ── what the others can not do either ──────────────────────────────────────────────────────────────────────────────


def test_the_page_that_asks_for_a_reason_says_nothing_about_the_person(owner, other):
    text = other.client.get(f"{other.url}open/").content.decode()
    assert "Dr. Ada First" in text
    for secret in ("Sam", "Sample", "1985", "555", "aneurysm", "Absolute", ANSWER):
        assert secret not in text


def test_what_another_clinician_sends_to_the_case_changes_nothing_and_is_kept_for_them(owner, other):
    typed = "A sentence that took a while."
    sent = [
        other.close(RELATIVE, words=typed),
        other.close(RELATIVE, reason="", words=typed),
        other.sign(shown_sha256="0" * 64, words=typed),
        other.sign(shown_sha256="0" * 64, words=typed, outcome=""),
        other.record("blood-pressure", systolic="118", diastolic="76", note=typed),
        other.record("blood-pressure", systolic="", diastolic="76", note=typed),
    ]
    for answer in sent:
        text = answer.content.decode()
        assert (answer.status_code, typed in text) == (409, True)
        assert "Sample" not in text
    assert not Disposition.objects.exists()
    assert owner.case.observations.count() == 0


def test_another_clinician_does_not_learn_how_a_case_was_decided_by_signing_it(owner, other):
    decide(owner)
    text = other.sign(shown_sha256="0" * 64).content.decode()
    assert "Proceed" not in text
    assert "not yours" in text


def test_a_reading_can_not_be_recorded_on_the_case_of_another(owner, other):
    answer = other.client.get(f"{other.url}record/blood-pressure/")
    assert (answer.status_code, answer["Location"]) == (302, f"{other.url}open/")


# ── breaking the glass ─────────────────────────────────────────────────────────────────────────────────────────────


def test_with_a_reason_the_case_opens_for_one_hour_under_a_banner(owner, other, later):
    answer = other.open_with()
    assert (answer.status_code, answer["Location"]) == (302, other.url)
    for path in ("", "record/blood-pressure/"):
        page = other.client.get(f"{other.url}{path}")
        assert (page.status_code, "This is not your case." in page.content.decode()) == (200, True)
    later(59)
    assert other.reads()
    later(61)
    assert other.reads() is False
    assert other.client.get(f"{other.url}record/blood-pressure/").status_code == 302


def test_the_owner_sees_no_banner(owner, other):
    other.open_with()
    assert "This is not your case." not in owner.open().content.decode()


@pytest.mark.parametrize("reason", ["", "Because I can", "  fourteen ch  ", " " * 40, "x" * 2001])
def test_without_a_reason_that_says_something_the_case_stays_shut(owner, other, reason):
    answer = other.open_with(reason)
    assert answer.status_code == 422
    assert reason.strip() in answer.content.decode()
    assert other.reads() is False
    assert not BreakGlass.objects.exists()


def test_the_service_refuses_a_short_reason_as_well(owner, other):
    with pytest.raises(ValueError, match="15 characters"):
        break_glass(owner.case.id, user=other.user, reason=" too short      ")


def test_it_opens_this_case_only_and_for_this_clinician_only(owner, other, clinic, staff):
    second_case = submitted_case(clinic, other_allergies="walnuts")
    Desk(owner.user, second_case).claim()
    other.open_with()
    assert Reader(other.user, second_case).reads() is False
    assert Reader(staff("clinician"), owner.case).reads() is False


def test_looking_into_a_case_gives_no_right_to_change_it(owner, other):
    other.open_with()
    assert other.close(RELATIVE).status_code == 409
    assert other.sign(shown_sha256=owner.shown_sha256()).status_code == 409
    assert Case.objects.get().owner == owner.user


def test_the_reason_is_sealed_and_stands_on_the_timeline(owner, other):
    other.open_with()
    glass = BreakGlass.objects.get()
    assert b"phone" not in bytes(glass.reason)
    text = owner.open().content.decode()
    assert REASON in text
    assert "Opened by somebody who does not have this case" in text
    assert CaseEvent.objects.get(kind="glass-broken").by == other.user


def test_the_trace_is_there_before_the_page_and_every_look_says_why(owner, other):
    other.open_with()
    event = AuditEvent.objects.get(action="case.break-glass")
    assert (event.user, event.entity_id, event.clinic_id) == (other.user, owner.case.id, owner.case.clinic_id)
    assert (event.detail["minutes"], event.detail["break_glass"]) == (60, str(BreakGlass.objects.get().id))
    assert "phone" not in str(event.detail)
    assert not AuditEvent.objects.filter(action="case.read", user=other.user).exists()
    other.open()
    owner.open()
    reads = AuditEvent.objects.filter(action="case.read").order_by("id")
    assert [(read.user, read.why) for read in reads] == [
        (other.user, "break-glass"), (owner.user, ""),
    ]  # fmt: skip


def test_nothing_opens_when_the_trace_can_not_be_written(owner, other, monkeypatch):
    def refuse(_events):
        raise DatabaseError("the audit is full")

    monkeypatch.setattr("screening.break_glass.record", refuse)
    other.client.raise_request_exception = False
    assert other.open_with().status_code == 500
    assert not BreakGlass.objects.exists()
    assert other.reads() is False


def test_the_medical_directors_are_told_at_once_and_learn_no_name_of_a_patient(owner, other, staff, clinic):
    directors = [staff("medical-director"), staff("medical-director")]
    gone = staff("medical-director")
    gone.is_active = False
    gone.save()
    make_user("medical-director", make_clinic("hillside"))
    other.open_with()
    notices = OutboxMessage.objects.filter(purpose="break-glass").order_by("recipient")
    assert [notice.recipient for notice in notices] == sorted(director.email for director in directors)
    text = notices[0].subject + notices[0].body
    assert owner.case.reference in text
    assert other.user.name in text
    for secret in ("Sam", "Sample", "phone", "ketamine"):
        assert secret not in text


def test_a_clinic_without_a_medical_director_is_told_at_its_address_for_alerts(owner, other, clinic):
    other.open_with()
    assert OutboxMessage.objects.get(purpose="break-glass").recipient == clinic.alert_email


def test_a_second_press_of_the_button_opens_and_tells_nothing_twice(owner, other):
    assert [other.open_with().status_code for _ in range(2)] == [302, 302]
    assert BreakGlass.objects.count() == 1
    assert OutboxMessage.objects.filter(purpose="break-glass").count() == 1


def test_whose_case_it_is_needs_no_reason(owner):
    assert owner.open_with()["Location"] == owner.url
    assert not BreakGlass.objects.exists()


@pytest.mark.parametrize("role", ["front-desk", "administrator", "auditor"])
def test_those_who_read_no_case_break_no_glass(owner, staff, role):
    assert Reader(staff(role), owner.case).open_with().status_code == 403
    assert not BreakGlass.objects.exists()


def test_the_case_of_another_clinic_is_not_found_by_breaking_the_glass(owner):
    foreign = Reader(make_user("clinician", make_clinic("hillside")), owner.case)
    assert foreign.open_with().status_code == 404
    missing = foreign.client.post("/review/AAAA-AAAA/open/", {"reason": REASON})
    assert missing.status_code == 404
    assert not BreakGlass.objects.exists()


def test_who_leaves_the_clinic_loses_the_open_case_with_the_next_request(owner, other):
    other.open_with()
    Membership.objects.filter(user=other.user).delete()
    assert other.open().status_code == 403


# ── what the database itself holds ─────────────────────────────────────────────────────────────────────────────────


def test_no_look_lasts_longer_than_an_hour_whatever_asks_for_it(owner, other):
    now = timezone.now()
    row = {"clinic_id": owner.case.clinic_id, "case": owner.case, "by": other.user, "reason": b"x", "broken_at": now}
    for minutes in (61, 0, -5):
        with pytest.raises(IntegrityError, match="at_most_an_hour"), transaction.atomic():
            BreakGlass.objects.create(**row, ends_at=now + datetime.timedelta(minutes=minutes))


def test_a_look_can_not_be_rewritten_or_lie_in_another_clinic(owner, other):
    other.open_with()
    for change in (
        lambda: BreakGlass.objects.update(reason=b""),
        lambda: BreakGlass.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    now = timezone.now()
    elsewhere = {"clinic_id": make_clinic("hillside").id, "case": owner.case, "by": other.user, "reason": b"x"}
    with pytest.raises(IntegrityError, match="same_clinic"), transaction.atomic():
        BreakGlass.objects.create(**elsewhere, broken_at=now, ends_at=now + datetime.timedelta(minutes=5))


@pytest.mark.django_db(transaction=True)
def test_of_two_presses_at_once_one_opens_and_tells():
    publish_shipped_content()
    clinic = make_clinic("riverside")
    case = submitted_case(clinic, other_allergies="walnuts")
    Desk(make_user("clinician", clinic), case).claim()
    user, barrier, opened = make_user("clinician", clinic), threading.Barrier(2), []

    def press():
        barrier.wait(timeout=20)
        opened.append(break_glass(case.id, user=user, reason=WORDS))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [glass is None for glass in sorted(opened, key=lambda glass: glass is None)] == [False, True]
    assert BreakGlass.objects.count() == OutboxMessage.objects.filter(purpose="break-glass").count() == 1
