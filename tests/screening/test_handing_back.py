"""The case of an owner who is not there: a medical director hands it back to the queue."""

import threading

import pytest
from django.db import connection

from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from screening.models import Case, CaseEvent, CaseStatus, Decision, HandBackReason, Outcome
from screening.review import Refused, release_case_of_other, sign_decision
from tests.conftest import make_clinic, make_user, publish_shipped_content
from tests.screening.cases import Desk, submitted_case

pytestmark = pytest.mark.django_db


class Director(Desk):
    def hand_back(self, owner, reason="away"):
        return self.client.post(f"{self.url}hand-back/", {"owner": owner.user.pk, "reason": reason})


@pytest.fixture
def owner(published, clinic, staff):
    desk = Desk(staff("clinician", name="Dr. Ada First"), submitted_case(clinic))
    desk.claim()
    return desk


@pytest.fixture
def director(owner, staff):
    return Director(staff("medical-director", name="Dr. Dora Head"), owner.case)


def test_a_medical_director_hands_back_the_case_of_somebody_else(owner, director, staff):
    assert "Dr. Ada First has this case" in director.open().content.decode()
    answer = director.hand_back(owner)
    assert (answer.status_code, answer["Location"]) == (302, director.url)
    case = Case.objects.get()
    assert (case.owner, case.status) == (None, CaseStatus.WAITING)
    text = director.open().content.decode()
    assert "Handed back: The owner is away" in text
    assert "Hand back to the queue" not in text
    assert Desk(staff("clinician"), owner.case).claim().status_code == 302


def test_it_leaves_who_why_and_from_whom_in_the_trail(owner, director):
    director.hand_back(owner, "too-much")
    entry = AuditEvent.objects.get(action="case.released-by-other")
    assert (entry.user, entry.entity_id) == (director.user, owner.case.id)
    assert (entry.detail["owner"], entry.detail["because"]) == (str(owner.user.id), "too-much")
    event = CaseEvent.objects.get(kind="released")
    assert (event.by, event.detail) == (director.user, "The owner has too many cases")


def test_the_owner_is_told_and_no_patient_is_named(owner, director):
    director.hand_back(owner)
    told = OutboxMessage.objects.get(purpose="handed-back")
    text = told.subject + told.body
    assert told.recipient == owner.user.email
    assert owner.case.reference in text
    assert "Dr. Dora Head" in text
    for secret in ("Sam", "Sample", "away", "ketamine", "flag"):
        assert secret not in text


def test_an_owner_whose_account_is_shut_gets_no_mail(owner, director):
    owner.user.is_active = False
    owner.user.save()
    assert director.hand_back(owner, "left").status_code == 302
    assert not OutboxMessage.objects.filter(purpose="handed-back").exists()


@pytest.mark.parametrize("reason", ["", "because"])
def test_without_a_reason_the_case_stays_and_the_page_says_so(owner, director, reason):
    answer = director.hand_back(owner, reason)
    assert answer.status_code == 422
    assert "Hand back to the queue" in answer.content.decode()
    assert Case.objects.get().owner == owner.user


@pytest.mark.parametrize("role", ["clinician", "front-desk", "administrator", "auditor"])
def test_no_other_role_hands_back_the_case_of_somebody_else(owner, staff, role):
    other = Director(staff(role), owner.case)
    assert other.hand_back(owner).status_code == 403
    assert "Hand back to the queue" not in other.open().content.decode()
    assert Case.objects.get().owner == owner.user


def test_the_owner_is_offered_their_own_button_only(director):
    own = Director(director.user, submitted_case(director.case.clinic))
    own.claim()
    assert "Hand back to the queue" not in own.open().content.decode()


def test_the_case_of_another_clinic_is_not_found(owner):
    foreign = Director(make_user("medical-director", make_clinic("hillside")), owner.case)
    assert foreign.hand_back(owner).status_code == 404


def test_whoever_took_the_case_meanwhile_keeps_it(owner, director, staff):
    owner.release()
    second = Desk(staff("clinician"), owner.case)
    second.claim()
    assert director.hand_back(owner).status_code == 409
    assert Case.objects.get().owner == second.user


def test_a_second_press_and_a_decided_case_are_refused(owner, director):
    owner.check_identity()
    assert owner.sign().status_code == 302
    assert director.hand_back(owner).status_code == 409
    assert Case.objects.get().status == CaseStatus.DECIDED
    assert not OutboxMessage.objects.filter(purpose="handed-back").exists()


def test_what_the_owner_wrote_stays_and_the_next_one_goes_on(owner, director, staff):
    owner.check_identity()
    director.hand_back(owner)
    assert owner.sign(shown_sha256="0" * 64).status_code == 409
    second = Desk(staff("clinician"), owner.case)
    second.claim()
    assert second.sign().status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_an_owner_who_signs_and_a_director_who_hands_back_at_once_one_wins():
    publish_shipped_content()
    clinic = make_clinic("riverside")
    for _round in range(3):
        desk = Desk(make_user("clinician", clinic), submitted_case(clinic))
        director = make_user("medical-director", clinic)
        desk.claim()
        desk.check_identity()
        shown, case_id = desk.shown_sha256(), desk.case.id
        barrier, done, refused = threading.Barrier(2), [], []

        def at_once(name, act, *, barrier=barrier, done=done, refused=refused):
            barrier.wait(timeout=20)
            try:
                act()
                done.append(name)
            except Refused:
                refused.append(name)
            finally:
                connection.close()

        def sign(*, case_id=case_id, desk=desk, shown=shown):
            words = "Nothing stands against a visit."
            sign_decision(case_id, user=desk.user, outcome=Outcome.PROCEED, words=words, shown_sha256=shown)

        def hand_back(*, case_id=case_id, desk=desk, director=director):
            release_case_of_other(case_id, user=director, owner_id=desk.user.id, reason=HandBackReason.AWAY)

        threads = [threading.Thread(target=at_once, args=item) for item in (("sign", sign), ("back", hand_back))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(done) == len(refused) == 1
        case = Case.objects.get(pk=case_id)
        signed = Decision.objects.filter(case=case).exists()
        assert (signed, case.owner_id is None) == ((True, False) if done == ["sign"] else (False, True))
