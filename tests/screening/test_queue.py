"""The queue: order, pages that neither skip nor repeat, and what a page costs however much there is."""

import datetime

import pytest
from django.utils import timezone

from intake.services import start_response
from screening.models import Case, CaseStatus
from screening.queue import PAGE_SIZE
from tests.patients import PatientBrowser
from tests.screening.cases import Desk, submitted_case

pytestmark = pytest.mark.django_db
START = datetime.datetime(2026, 11, 1, 9, 0, tzinfo=datetime.UTC)


@pytest.fixture
def waiting(published, clinic):
    """`waiting(severity, minutes, …)` puts a bare case in the queue that was opened so many minutes after the first."""

    def put(severity, minutes, status=CaseStatus.WAITING, **fields):
        response, _token = start_response(clinic, language="en")
        return Case.objects.create(
            clinic=clinic,
            response=response,
            reference=response.reference,
            status=status,
            severity=severity,
            opened_at=START + datetime.timedelta(minutes=minutes),
            submitted_at=None if status == CaseStatus.UNFINISHED else timezone.now(),
            **fields,
        )

    return put


def read_all(client, view="open"):
    """The references of every page, as the links lead."""
    pages, after = [], ""
    while True:
        shown = client.get("/review/", {"view": view, "after": after})
        pages.append([row["reference"] for row in shown.context["cases"]])
        after = shown.context["next_cursor"]
        if not after:
            return pages


def test_the_most_severe_comes_first_then_the_longest_waiting(waiting, staff, signed_in):
    late_emergency, caution, early_relative, late_relative, nothing = (
        waiting(5, 90),
        waiting(2, 1),
        waiting(3, 10),
        waiting(3, 50),
        waiting(0, 0),
    )
    expected = [late_emergency, early_relative, late_relative, caution, nothing]
    assert read_all(signed_in(staff("clinician"))) == [[case.reference for case in expected]]


def test_an_emergency_in_an_unfinished_intake_stands_at_the_top(published, clinic, staff, signed_in):
    submitted_case(clinic, aneurysm_or_avm="yes")
    patient = PatientBrowser(clinic).fill_in(until="thinking_of_hurting_someone_now")
    patient.save("thinking_of_hurting_someone_now", thinking_of_hurting_someone_now={"": "yes"})
    top = signed_in(staff("clinician")).get("/review/").context["cases"][0]
    assert (top["tier"], top["unfinished"]) == ("emergency", True)
    assert top["reference"] == patient.response.reference


@pytest.mark.parametrize("minutes", [lambda number: 0, lambda number: number // 7], ids=["one moment", "some moments"])
def test_pages_of_equal_cases_neither_skip_nor_repeat(waiting, staff, signed_in, minutes):
    for number in range(2 * PAGE_SIZE + 5):
        waiting(3, minutes(number))
    pages = read_all(signed_in(staff("clinician")))
    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 5]
    ordered = Case.objects.order_by("-severity", "opened_at", "id").values_list("reference", flat=True)
    assert [reference for page in pages for reference in page] == list(ordered)


def test_a_case_decided_meanwhile_makes_no_hole_in_the_next_page(waiting, staff, signed_in):
    cases = [waiting(3, number) for number in range(PAGE_SIZE + 5)]
    client = signed_in(staff("clinician"))
    cursor = client.get("/review/").context["next_cursor"]
    Case.objects.filter(pk=cases[3].pk).update(status=CaseStatus.DECIDED, closed_at=timezone.now())
    shown = client.get("/review/", {"after": cursor}).context["cases"]
    assert [row["reference"] for row in shown] == [case.reference for case in cases[PAGE_SIZE:]]


def test_decided_cases_are_listed_newest_first_page_by_page(waiting, staff, signed_in):
    for number in range(PAGE_SIZE + 3):
        waiting(1, number, CaseStatus.DECIDED, closed_at=START + datetime.timedelta(days=number // 4))
    client = signed_in(staff("clinician"))
    ordered = Case.objects.order_by("-closed_at", "-id").values_list("reference", flat=True)
    assert [reference for page in read_all(client, "done") for reference in page] == list(ordered)
    assert read_all(client) == [[]]


def test_mine_holds_only_my_cases(waiting, staff, signed_in):
    me, other = staff("clinician"), staff("clinician")
    mine = waiting(2, 0, CaseStatus.IN_REVIEW, owner=me)
    waiting(3, 0, CaseStatus.IN_REVIEW, owner=other)
    assert read_all(signed_in(me), "mine") == [[mine.reference]]


@pytest.mark.parametrize("after", ["nonsense", "a:b:c", "1" * 5000])
def test_a_cursor_that_is_none_gives_the_first_page(waiting, staff, signed_in, after):
    case = waiting(2, 0)
    shown = signed_in(staff("clinician")).get("/review/", {"after": after})
    assert [row["reference"] for row in shown.context["cases"]] == [case.reference]


def test_an_unknown_view_is_the_open_one(waiting, staff, signed_in):
    waiting(2, 0)
    assert signed_in(staff("clinician")).get("/review/?view=eligible").context["view"] == "open"


def test_an_empty_queue_says_so(published, clinic, staff, signed_in):
    assert "No case is waiting." in signed_in(staff("clinician")).get("/review/").content.decode()


# ── what a page costs ──────────────────────────────────────────────────────────────────────────────────────────────


def counted(statements, look):
    look()
    with statements() as seen:
        assert look().status_code == 200
    return len(seen.statements())


def test_the_queue_costs_at_most_seven_statements_however_many_cases(waiting, staff, signed_in, statements):
    client = signed_in(staff("clinician"))
    waiting(3, 0, CaseStatus.IN_REVIEW, owner=staff("clinician"))
    few = counted(statements, lambda: client.get("/review/"))
    for number in range(40):
        waiting(number % 6, number, CaseStatus.IN_REVIEW, owner=staff("clinician"))
    assert counted(statements, lambda: client.get("/review/")) == few <= 7


def test_the_case_page_costs_at_most_eight_statements_however_much_was_done(published, clinic, staff, statements):
    desk = Desk(staff("clinician"), submitted_case(clinic))
    desk.claim()
    few = counted(statements, desk.open)
    many = dict.fromkeys(
        ("aneurysm_or_avm", "brain_bleed_ever", "dissociative_disorder", "mania_symptoms_past_2_weeks", "seizure_ever"),
        "yes",
    )
    busy = Desk(staff("clinician"), submitted_case(clinic, **many))
    busy.claim()
    for systolic in ("150", "165", "171"):
        busy.record("blood-pressure", systolic=systolic, diastolic="80", note="Sitting.")
    for rule in list(busy.flags()):
        busy.close(rule)
        Desk(staff("clinician"), busy.case).close(rule)
    busy.sign(outcome="more-information")
    # Those of a case of which nothing was recorded and no flag closed are spared.
    assert (few, counted(statements, busy.open)) == (6, 8)


def test_the_contact_page_costs_no_more_than_the_case_page(published, clinic, staff, statements):
    desk = Desk(staff("front-desk"), submitted_case(clinic))
    assert counted(statements, desk.open) <= 8
