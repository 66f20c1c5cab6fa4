"""Staff who look at a record that may be their own or their family's: nothing is refused, and somebody is told."""

import pytest

from clinic_site.audit.models import AuditEvent
from clinic_site.audit.sealing import Sealer
from clinic_site.messaging.models import OutboxMessage
from tests.conftest import make_user
from tests.screening.cases import submitted_case

pytestmark = pytest.mark.django_db
SEARCHES = [{"given_name": "Sam", "family_name": "Sample"}, {"phone": "(212) 555-0100"}]


@pytest.fixture
def case(published, clinic):
    """Of Sam Sample."""
    return submitted_case(clinic)


@pytest.fixture
def browser(case, clinic, signed_in):
    return lambda name, role="front-desk": signed_in(make_user(role, clinic, name=name))


def noted():
    return AuditEvent.objects.filter(action="case.same-name")


def notices():
    Sealer().run()
    return OutboxMessage.objects.filter(purpose="alert-same-name")


@pytest.mark.parametrize("search", SEARCHES)
def test_looking_up_somebody_of_ones_own_name_is_noted_and_told_once(case, browser, settings, search):
    settings.SECURITY_EMAIL = "privacy@riverside.example"
    client = browser("Robin Sample")
    for _ in range(2):
        assert client.post("/review/find/", {"date_of_birth": "1985-04-27", **search}).status_code == 200
    assert {event.reference for event in noted()} == {case.reference}
    notice = notices().get()
    assert notice.recipient == "privacy@riverside.example"
    assert case.reference in notice.subject
    assert "Sample" not in notice.subject + notice.body + str(noted().values())


@pytest.mark.parametrize("role", ["front-desk", "clinician"])
@pytest.mark.parametrize("page", ["", "record/identity/"])
def test_opening_the_record_of_somebody_of_ones_own_name_is_noted_and_shown(case, browser, role, page):
    shown = browser("Robin Sample", role).get(f"/review/{case.reference}/{page}")
    assert (shown.status_code, noted().count(), notices().count()) == (200, 1, 1)


@pytest.mark.parametrize(
    ("name", "count"),
    [("robin SÁMPLE", 1), ("Sample", 1), ("Robin Samples", 0), ("Sample Robin", 0), ("Sam Example", 0), ("", 0)],
)
def test_the_last_word_of_the_name_counts_without_capitals_and_accents(case, browser, name, count):
    browser(name).get(f"/review/{case.reference}/")
    assert noted().count() == count


def test_a_search_that_finds_nobody_notes_nobody(browser):
    browser("Robin Sample").post("/review/find/", {"date_of_birth": "1985-04-28", **SEARCHES[0]})
    assert noted().count() == notices().count() == 0


def test_it_costs_one_statement_where_the_names_are_the_same_and_none_elsewhere(case, browser, statements):
    same, other = browser("Robin Sample"), browser("Robin Other")
    counts = []
    for client in (same, other):
        client.get(f"/review/{case.reference}/")
        with statements() as seen:
            client.get(f"/review/{case.reference}/")
        counts.append(len(seen.statements()))
    assert counts[0] - counts[1] == 1
