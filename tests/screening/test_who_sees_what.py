"""What each role may open and do, the walls between clinics, and the trace that every look leaves."""

import uuid

import pytest
from django.db import DatabaseError

from clinic_site.accounts.models import Membership
from clinic_site.audit.models import AuditEvent
from screening import look_up, views
from screening.models import Decision, Disposition
from tests.conftest import make_clinic, make_user
from tests.screening.cases import WORDS, Desk, submitted_case

pytestmark = pytest.mark.django_db
SEARCH = {"given_name": "Sam", "family_name": "Sample", "date_of_birth": "1985-04-27"}


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic, aneurysm_or_avm="yes", other_allergies="walnuts and latex")


def addresses(case):
    """Every address of one case with what a browser would post there."""
    issue = case.issues.get(rule_id="cardiovascular.aneurysm-avm")
    base, today = f"/review/{case.reference}/", case.clinic.today().isoformat()
    words = {"words": WORDS, "note": WORDS, "observed_on": today}
    return {
        "case": ("get", base, {}),
        "claim": ("post", f"{base}claim/", {}),
        "release": ("post", f"{base}release/", {}),
        "close": ("post", f"{base}flags/{issue.id}/", {**words, "reason": "addressed"}),
        "identity": ("post", f"{base}record/identity/", {**words, "verified": "yes"}),
        "pressure": ("post", f"{base}record/blood-pressure/", {**words, "systolic": "118", "diastolic": "76"}),
        "body": ("post", f"{base}record/body/", {**words, "height_cm": "170", "weight_kg": "70"}),
        "sign": ("post", f"{base}decision/", {**words, "outcome": "proceed-to-evaluation", "shown_sha256": "0" * 64}),
    }


def status(client, address):
    method, url, posted = address
    return getattr(client, method)(url, posted).status_code


@pytest.mark.parametrize("address", ["case", "claim", "release", "close", "identity", "pressure", "body", "sign"])
@pytest.mark.parametrize("role", ["clinician", "medical-director"])
def test_a_case_of_another_clinic_is_not_found(case, signed_in, role, address):
    foreign = signed_in(make_user(role, make_clinic("hillside")))
    assert status(foreign, addresses(case)[address]) == 404
    assert not Disposition.objects.exists()
    assert case.observations.count() == 0


def test_another_clinics_cases_are_not_in_the_queue_or_the_search(case, signed_in):
    foreign = signed_in(make_user("clinician", make_clinic("hillside")))
    assert foreign.get("/review/").context["cases"] == []
    assert foreign.post("/review/find/", SEARCH).context["results"] == []


def test_a_missing_case_looks_like_a_foreign_one(case, signed_in):
    foreign = signed_in(make_user("clinician", make_clinic("hillside")))
    texts = [
        foreign.get(f"/review/{name}/").content.decode().replace(name, "") for name in (case.reference, "AAAA-AAAA")
    ]
    assert texts[0] == texts[1]


ROLES = {
    "front-desk": {"queue", "find", "case", "identity"},
    "clinician": {"queue", "find", "case", "claim", "release", "close", "identity", "pressure", "body", "sign"},
    "medical-director": {"queue", "find", "case", "claim", "release", "close", "identity", "pressure", "body", "sign"},
    "administrator": set(),
    "auditor": set(),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_it_may_and_is_refused_the_rest(case, staff, signed_in, role):
    client = signed_in(staff(role))
    everything = {"queue": ("get", "/review/", {}), "find": ("post", "/review/find/", SEARCH), **addresses(case)}
    opened = {name for name, address in everything.items() if status(client, address) not in (403, 404)}
    assert opened == ROLES[role]


@pytest.mark.parametrize("address", ["claim", "close", "pressure", "sign"])
def test_the_front_desk_changes_nothing_it_may_not(case, staff, signed_in, address):
    assert status(signed_in(staff("front-desk")), addresses(case)[address]) in (403, 404)
    case.refresh_from_db()
    assert case.owner is None
    assert not Disposition.objects.exists()
    assert not Decision.objects.exists()
    assert case.observations.count() == 0


def test_the_front_desk_sees_who_it_is_and_no_answer_or_flag(case, staff):
    desk = Desk(staff("front-desk"), case)
    shown = desk.open()
    text = shown.content.decode()
    assert "Sam Sample" in text
    for hidden in ("aneurysm", "Aneurysm", "walnuts", "typed other_allergies", "Absolute", "Emergency", "Flags"):
        assert hidden not in text
    assert not {"flags", "sections", "decisions", "timeline"} & shown.context.keys()
    queue = desk.client.get("/review/").content.decode()
    assert case.reference in queue
    for hidden in ("Absolute", "queue__row--absolute", "Holds", "Highest flag"):
        assert hidden not in queue


def test_a_role_in_one_clinic_gives_nothing_in_another(case, staff):
    user = staff("front-desk")
    Membership.objects.create(user=user, clinic=make_clinic("hillside"), role="clinician", origin="shell")
    text = Desk(user, case).open().content.decode()
    assert "Sam Sample" in text
    assert "walnuts" not in text
    assert Desk(user, case).claim().status_code == 404


def test_leaving_takes_effect_with_the_next_request(case, staff):
    desk = Desk(staff("clinician"), case)
    assert desk.open().status_code == 200
    Membership.objects.filter(user=desk.user).delete()
    assert desk.open().status_code == 403


def test_somebody_who_may_no_longer_sign_in_is_out_with_the_next_request(case, staff):
    desk = Desk(staff("clinician"), case)
    desk.user.is_active = False
    desk.user.save()
    answer = desk.open()
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in/")


def test_an_unknown_kind_of_record_is_not_found(case, staff):
    assert Desk(staff("clinician"), case).record("eye-pressure").status_code == 404


# ── the trace ──────────────────────────────────────────────────────────────────────────────────────────────────────

READS = [
    ("clinician", "case.read", lambda desk: desk.open()),
    ("front-desk", "case.contact-read", lambda desk: desk.open()),
    ("clinician", "queue.read", lambda desk: desk.client.get("/review/")),
    ("front-desk", "patient.found", lambda desk: desk.client.post("/review/find/", SEARCH)),
    ("clinician", "case.read", lambda desk: desk.close("cardiovascular.aneurysm-avm", reason="")),
    ("clinician", "case.read", lambda desk: desk.sign(outcome="", shown_sha256="0" * 64)),
]


@pytest.mark.parametrize(("role", "action", "look"), READS)
def test_every_look_leaves_an_entry_with_who_and_what(case, staff, role, action, look):
    desk = Desk(staff(role), case)
    before = set(AuditEvent.objects.values_list("id", flat=True))
    look(desk)
    event = AuditEvent.objects.exclude(id__in=before).get(action=action)
    assert (event.user, event.actor, event.address) == (desk.user, "staff", "127.0.0.1")
    if action != "queue.read":
        assert (event.clinic_id, event.entity_id) == (case.clinic_id, case.id)
    else:
        assert event.listed == [case.reference]


@pytest.mark.parametrize(("role", "action", "look"), READS)
def test_nothing_is_shown_when_the_entry_can_not_be_written(case, staff, monkeypatch, role, action, look):
    def refuse(_events):
        raise DatabaseError("the audit is full")

    desk = Desk(staff(role), case)
    monkeypatch.setattr(views, "record", refuse)
    monkeypatch.setattr(look_up, "record", refuse)
    desk.client.raise_request_exception = False
    answer = look(desk)
    assert answer.status_code == 500
    for hidden in ("Sam Sample", case.reference, "walnuts"):
        assert hidden not in answer.content.decode()


def test_the_entry_of_a_page_that_could_not_be_shown_is_not_kept(case, staff, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError

    desk = Desk(staff("clinician"), case)
    monkeypatch.setattr(views, "render", broken)
    desk.client.raise_request_exception = False
    assert desk.open().status_code == 500
    assert not AuditEvent.objects.filter(action="case.read").exists()


def test_a_write_without_its_entry_is_not_done(case, staff, monkeypatch):
    def refuse(_events):
        raise DatabaseError("the audit is full")

    desk = Desk(staff("clinician"), case)
    desk.claim()
    monkeypatch.setattr("screening.review.record", refuse)
    desk.client.raise_request_exception = False
    for act in (desk.release, desk.check_identity, lambda: desk.close("cardiovascular.aneurysm-avm")):
        assert act().status_code == 500
    case.refresh_from_db()
    assert case.owner == desk.user
    assert not Disposition.objects.exists()
    assert case.observations.count() == 0


def test_a_search_that_finds_nobody_leaves_a_trace_too(case, staff):
    desk = Desk(staff("front-desk"), case)
    assert desk.client.post("/review/find/", {**SEARCH, "given_name": "Samantha"}).context["results"] == []
    assert AuditEvent.objects.filter(user=desk.user, action__startswith="patient.").count() == 1


@pytest.mark.parametrize(
    ("posted", "found"),
    [
        (SEARCH, 1),
        ({**SEARCH, "given_name": "  sAM "}, 1),
        ({**SEARCH, "date_of_birth": "1985-04-28"}, 0),
        ({**SEARCH, "family_name": "Sampl"}, 0),
    ],
)
def test_a_person_is_found_by_the_exact_legal_name_and_birth_date(case, staff, posted, found):
    assert len(Desk(staff("front-desk"), case).client.post("/review/find/", posted).context["results"]) == found


def test_the_trail_holds_no_name_answer_or_contact(case, staff):
    desk = Desk(staff("clinician"), case)
    desk.claim()
    desk.check_identity()
    desk.close("cardiovascular.aneurysm-avm", words="A private sentence.")
    desk.client.post("/review/find/", SEARCH)
    trail = str(list(AuditEvent.objects.values_list("action", "detail")))
    for secret in ("Sam", "Sample", "1985", "555", "walnuts", "private sentence"):
        assert secret not in trail


def test_a_reference_that_is_none_is_not_found(case, staff, clinic):
    client = Desk(staff("clinician"), case).client
    assert client.get(f"/review/{uuid.uuid4()}/").status_code == 404
    assert client.get("/review/%00/").status_code == 404
