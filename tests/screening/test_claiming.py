"""Who has a case: one owner at a time, visible to everybody."""

import threading

import pytest
from django.db import connection

from clinic_site.audit.models import AuditEvent
from screening.models import Case, CaseEvent, CaseStatus
from screening.review import AlreadyClaimed, claim_case
from tests.conftest import make_clinic, make_user, publish_shipped_content
from tests.screening.cases import Desk, submitted_case


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic)


def test_a_claimed_case_is_in_review_and_under_mine(case, staff):
    desk = Desk(staff("clinician"), case)
    assert desk.claim().status_code == 302
    case.refresh_from_db()
    assert (case.owner, case.status) == (desk.user, CaseStatus.IN_REVIEW)
    assert [row["reference"] for row in desk.client.get("/review/?view=mine").context["cases"]] == [case.reference]


def test_the_second_to_claim_is_told_who_has_the_case(case, staff):
    Desk(staff("clinician", name="Dr. Ada First"), case).claim()
    answer = Desk(staff("clinician"), case).claim()
    assert answer.status_code == 409
    assert "Dr. Ada First has this case already." in answer.content.decode()
    assert Case.objects.get().owner.name == "Dr. Ada First"


def test_claiming_twice_changes_nothing(case, staff):
    desk = Desk(staff("clinician"), case)
    assert [desk.claim().status_code for _ in range(2)] == [302, 302]
    assert CaseEvent.objects.filter(kind="claimed").count() == 1


def test_the_owner_is_named_in_the_queue_and_on_the_case(case, staff):
    Desk(staff("clinician", name="Dr. Ada First"), case).claim()
    other = Desk(staff("medical-director"), case)
    assert "Dr. Ada First" in other.client.get("/review/").content.decode()
    assert "Owner: Dr. Ada First" in other.open().content.decode()


def test_a_released_case_waits_for_the_next(case, staff):
    first, second = Desk(staff("clinician"), case), Desk(staff("clinician"), case)
    first.claim()
    assert first.release().status_code == 302
    case.refresh_from_db()
    assert (case.owner, case.status) == (None, CaseStatus.WAITING)
    assert second.claim().status_code == 302


def test_only_the_owner_releases_a_case(case, staff):
    first, second = Desk(staff("clinician"), case), Desk(staff("clinician"), case)
    first.claim()
    assert second.release().status_code == 409
    assert Case.objects.get().owner == first.user


def test_a_decided_case_can_not_be_claimed(case, staff):
    first, second = Desk(staff("clinician"), case), Desk(staff("clinician"), case)
    first.claim()
    first.check_identity()
    first.sign()
    first.release()
    assert Case.objects.get().status == CaseStatus.DECIDED
    assert second.claim().status_code == 409


def in_threads(number, act):
    """Runs `act(index)` in as many threads at the same moment and returns what each gave or raised."""
    barrier, results = threading.Barrier(number), [None] * number

    def one(index):
        try:
            barrier.wait(timeout=20)
            results[index] = act(index)
        except Exception as error:  # noqa: BLE001 - whatever a thread raised is what the test looks at
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[index]) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_ten_who_claim_at_once_one_wins():
    publish_shipped_content()
    clinic = make_clinic("riverside")
    case = submitted_case(clinic)
    users = [make_user("clinician", clinic) for _ in range(10)]
    results = in_threads(10, lambda index: claim_case(case.id, user=users[index]))
    won = [result for result in results if isinstance(result, Case)]
    refused = [result for result in results if isinstance(result, AlreadyClaimed)]
    assert (len(won), len(refused)) == (1, 9)
    owner = Case.objects.get().owner
    assert {str(error) for error in refused} == {f"{owner.name} has this case already."}
    assert CaseEvent.objects.filter(kind="claimed").count() == 1
    assert [event.user for event in AuditEvent.objects.filter(action="case.claimed")] == [owner]
