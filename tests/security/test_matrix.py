"""The matrix of roles: every address × method × role, and every kind of field × role × state of a case."""

from types import ModuleType

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from clinic_site import urls
from clinic_site.accounts import permissions
from clinic_site.accounts.permissions import roles
from clinic_site.checks import every_page_says_whom_it_serves
from clinic_site.records import scope
from screening.models import Case
from tests.security.seed import HALF_WAY, KINDS, STATES, look_into, marks_in, undone, world
from tests.security.walk import STRANGERS, addresses, cells, faults

ACTORS = (*STRANGERS, *roles(), "colleague")


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    with world(django_db_blocker) as made:
        yield made


pytestmark = pytest.mark.usefixtures("seeded", "db")


# ── every address ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("actor", ACTORS)
def test_every_address_answers_each_role_as_the_matrix_says(seeded, actor, record_property):
    walked = list(cells(seeded, actor))
    record_property("cells", len(walked))
    print(f"{actor}: {len(walked)} cells")  # noqa: T201 - how much was walked is part of the result
    assert faults(walked) == []
    assert len(walked) > 300


def test_whoever_is_half_way_in_the_walk_is_known_by_the_password(seeded):
    """And so is no stranger whom every page turns away for a reason of its own."""
    led_to = seeded.browser_of(HALF_WAY).get("/review/")["Location"]
    assert led_to.startswith("/sign-in/second/")


def test_the_walk_reaches_every_room():
    names = [name for name, _route in addresses()]
    assert {"intake", "screening", "admin"} <= {name.split(":")[0] for name in names if ":" in name}


def test_each_state_is_there_in_both_clinics(seeded):
    for side in (seeded.here, seeded.there):
        found = {who: person.case and person.case.status for who, person in side.people.items()}
        assert found == STATES
        assert {role for role in side.staff if role != "colleague"} == set(roles())


# ── the walk itself is tested: deliberately wrong pages must be caught ─────────────────────────────────────────────


def undeclared(request, reference):
    return HttpResponse("open to all")


def leaking(request, reference):
    """Finds a case wherever it is."""
    with scope.within(scope.EVERYTHING):
        case = Case.objects.select_related("response__data_key").filter(reference=reference).first()
        shown = case.response.document().get("other_allergies").shown if case else ""
    return HttpResponse(shown, status=200 if case else 404)


def telling(request, reference):
    """Tells that a case of another clinic exists."""
    with scope.within(scope.EVERYTHING):
        case = Case.objects.filter(reference=reference).first()
    if case and not request.user.may("case.read", case.clinic_id):
        raise PermissionDenied
    return HttpResponse("", status=200 if case else 404)


def too_open(request, reference):
    """A page of answers for everybody who reaches the contact page."""
    found = Case.objects.for_user(request.user, "case.contact").filter(reference=reference).first()
    shown = found.response.document().get("other_allergies").shown if found else ""
    return HttpResponse(shown, status=200 if found else 404)


def changing(request, reference):
    """Lets in everybody, whatever was declared."""
    return HttpResponse("", status=500)


def with_pages(own):
    """A URLconf with more pages than the program has."""
    conf = ModuleType("urls_with_a_wrong_page")
    conf.urlpatterns = [*urls.urlpatterns, *own]
    conf.handler400 = urls.handler400
    return conf


WRONG = {
    "leaking": ("clinician", "case.read", leaking, "shows"),
    "telling": ("clinician", "case.read", telling, "refused 403"),
    "too open": ("front-desk", "case.contact", too_open, "shows"),
    "broken": ("clinician", "case.read", changing, "broken 500"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_page_is_caught_by_the_walk(seeded, monkeypatch, wrong):
    actor, permission, view, caught = WRONG[wrong]
    own = [path("wrong/<slug:reference>/", view, name="wrong")]
    declared = {**permissions.routes(), "wrong": permission}
    monkeypatch.setattr(permissions, "routes", lambda: declared)
    with override_settings(ROOT_URLCONF=with_pages(own)):
        found = faults(cells(seeded, actor, own))
    assert [fault for fault in found if caught in fault], found


def test_a_page_that_nobody_declared_is_refused_and_stops_the_server(seeded):
    own = [path("wrong/<slug:reference>/", undeclared, name="wrong")]
    with override_settings(ROOT_URLCONF=with_pages(own)):
        answers = {cell.outcome for actor in ACTORS for cell in cells(seeded, actor, own)}
        told = [str(error.msg) for error in every_page_says_whom_it_serves()]
    assert answers == {"refused", "no such method"}
    assert [message for message in told if "wrong" in message]
    assert every_page_says_whom_it_serves() == []


# ── every kind of field ────────────────────────────────────────────────────────────────────────────────────────────

READS_ALL = frozenset(KINDS)
# Rows as in the matrix of docs/security.md. A state that is not named is read like the row says under "else".
SEEN = {
    "front-desk": {"else": {"contact"}},
    "clinician": {"else": READS_ALL},
    "colleague": {"unfinished": READS_ALL, "waiting": READS_ALL, "second": READS_ALL, "else": frozenset()},
    "medical-director": {"else": READS_ALL},
    "administrator": {"else": frozenset()},
    "auditor": {"else": frozenset()},
}
NOT_THERE = {  # what a case in this state has not got
    "unfinished": {"note", "decision", "result"},
    "waiting": {"note", "decision"},
    "taken": {"note", "decision"},
    "second": {"decision"},
}


@pytest.mark.parametrize("who", [who for who in STATES if who != "draft"])
@pytest.mark.parametrize("actor", SEEN)
def test_a_case_page_shows_each_role_its_kinds_of_field_and_no_other(seeded, actor, who):
    person = seeded.here.people[who]
    with undone():
        shown = seeded.browser(seeded.here.staff[actor]).get(f"/review/{person.case.reference}/", follow=True)
    found = marks_in(shown.content.decode())
    allowed = SEEN[actor].get(who, SEEN[actor]["else"])
    assert {kind for kind, _clinic, _who in found} == set(allowed) - NOT_THERE.get(who, set())
    assert {(clinic, whose) for kind, clinic, whose in found if clinic} <= {("here", who)}


def test_with_the_glass_broken_a_colleague_sees_what_the_owner_sees(seeded):
    colleague, person = seeded.here.staff["colleague"], seeded.here.people["decided"]
    with undone():
        look_into(seeded.here, "decided", colleague)
        shown = seeded.browser(colleague).get(f"/review/{person.case.reference}/")
    assert {kind for kind, _clinic, _who in marks_in(shown.content.decode())} == READS_ALL


@pytest.mark.parametrize("actor", SEEN)
def test_lists_and_the_look_up_show_no_mark_of_any_patient(seeded, actor):
    browser = seeded.browser(seeded.here.staff[actor])
    with undone():
        pages = [browser.get(f"/review/?view={view}") for view in ("open", "mine", "done")]
        pages.append(browser.post("/review/find/", {"date_of_birth": "1985-04-27", "phone": "212 555 0100"}))
    assert {mark for page in pages for mark in marks_in(page.content.decode())} == set()


def test_a_patient_sees_their_own_answers_and_nobody_else_s(seeded):
    person = seeded.here.people["draft"]
    with undone():
        shown = person.browser().get(f"/intake/{person.response.public_id}/check/")
    assert {(clinic, who) for kind, clinic, who in marks_in(shown.content.decode()) if clinic} == {("here", "draft")}
