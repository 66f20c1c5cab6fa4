"""No look without a trace: what a page shows stands in the trail, and without the trail there is no page."""

import re

import pytest
from django.urls import reverse

from clinic_site.audit.models import AuditEvent
from intake.models import QuestionnaireResponse
from screening.models import Case, Decision, DetectedIssue, Disposition, Observation
from tests.conftest import make_clinic, make_user
from tests.patients import PatientBrowser
from tests.screening.cases import WORDS, submitted_case

pytestmark = pytest.mark.django_db
REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
SEARCH = {"given_name": "Sam", "family_name": "Sample", "date_of_birth": "1985-04-27"}
CHANGED = (Case, Decision, Disposition, Observation, DetectedIssue)


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic, aneurysm_or_avm="yes", other_allergies="walnuts and latex")


def admin_page(model, kind, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def staff_pages(case):
    """(role, method, address, what is posted) of everything staff may open or do about one case."""
    issue = case.issues.get(rule_id="cardiovascular.aneurysm-avm")
    base, today = f"/review/{case.reference}/", case.clinic.today().isoformat()
    words = {"words": WORDS, "note": WORDS, "observed_on": today}
    return {
        "queue": ("clinician", "get", "/review/", {}),
        "queue of the front desk": ("front-desk", "get", "/review/", {}),
        "find": ("front-desk", "post", "/review/find/", SEARCH),
        "case": ("clinician", "get", base, {}),
        "contact": ("front-desk", "get", base, {}),
        "a form to record": ("clinician", "get", f"{base}record/identity/", {}),
        "a form filled in wrongly": ("clinician", "post", f"{base}record/identity/", {}),
        "claim": ("clinician", "post", f"{base}claim/", {}),
        "hand back without a reason": ("medical-director", "post", f"{base}hand-back/", {}),
        "close a flag without words": ("clinician", "post", f"{base}flags/{issue.id}/", {}),
        "record": ("clinician", "post", f"{base}record/identity/", {**words, "verified": "yes"}),
        "sign without words": ("clinician", "post", f"{base}decision/", {}),
        "admin: cases": ("medical-director", "get", admin_page(Case, "changelist"), {}),
        "admin: one case": ("medical-director", "get", admin_page(Case, "change", case.pk), {}),
        "admin: flags": ("medical-director", "get", admin_page(DetectedIssue, "changelist"), {}),
        "admin: responses": ("medical-director", "get", admin_page(QuestionnaireResponse, "changelist"), {}),
    }


KINDS = (
    "queue", "queue of the front desk", "find", "case", "contact", "a form to record", "a form filled in wrongly", "claim",
    "hand back without a reason", "close a flag without words", "record", "sign without words", "admin: cases", "admin: one case", "admin: flags",
    "admin: responses",
)  # fmt: skip


def ask(client, page):
    _role, method, address, posted = page
    return getattr(client, method)(address, posted)


@pytest.mark.parametrize("kind", KINDS)
def test_when_the_trail_takes_no_entry_nothing_is_shown_and_nothing_is_done(case, signed_in, request, kind):
    page = staff_pages(case)[kind]
    client = signed_in(make_user(page[0], case.clinic))
    before = [list(model.objects.order_by("id").values()) for model in CHANGED]
    request.getfixturevalue("no_entries")
    answer = ask(client, page)
    assert answer.status_code == 503
    said = answer.content.decode()
    assert "Sample" not in said
    assert "walnuts" not in said
    assert not REFERENCE.search(said)
    assert [list(model.objects.order_by("id").values()) for model in CHANGED] == before


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_trail_the_same_page_answers(case, signed_in, kind):
    """So that the test above can not pass because the page was broken anyway."""
    page = staff_pages(case)[kind]
    assert ask(signed_in(make_user(page[0], case.clinic)), page).status_code in (200, 302, 409, 422)


def test_a_patient_s_page_is_not_half_saved_without_the_trail(published, clinic, request):
    patient = PatientBrowser(clinic)
    url = patient.url("date_of_birth")
    shown = patient.client.get(url)
    posted = {"ticket": shown.context["ticket"], **patient.posted(patient.number("date_of_birth"))}
    before = QuestionnaireResponse.objects.values().get()
    request.getfixturevalue("no_entries")
    assert patient.client.post(url, posted).status_code == 503
    assert QuestionnaireResponse.objects.values().get() == before


@pytest.mark.parametrize(
    "kind", ["queue", "queue of the front desk", "find", "case", "contact", "admin: cases", "admin: flags", "admin: responses"]
)  # fmt: skip
def test_the_records_on_a_page_are_those_in_the_trail_and_no_others(case, signed_in, kind):
    for _ in range(2):
        submitted_case(case.clinic, aneurysm_or_avm="yes")
    submitted_case(make_clinic("lakeside"), aneurysm_or_avm="yes")
    page = staff_pages(case)[kind]
    client = signed_in(make_user(page[0], case.clinic))
    earlier = set(AuditEvent.objects.values_list("id", flat=True))
    known = set(Case.objects.values_list("reference", flat=True))
    shown = known & set(REFERENCE.findall(ask(client, page).content.decode()))
    written = set()
    for event in AuditEvent.objects.exclude(id__in=earlier):
        written |= {*event.listed, event.reference} - {""}
    assert shown
    assert shown == written


def test_an_entry_of_a_look_says_which_data_it_opened(case, signed_in):
    for role, data in (
        ("front-desk", ["contact"]),
        ("clinician", ["answers", "findings", "contact", "notes and decision"]),
    ):
        signed_in(make_user(role, case.clinic)).get(f"/review/{case.reference}/")
        event = AuditEvent.objects.filter(user__isnull=False).first()
        assert (event.role, event.reference, event.data) == (role, case.reference, data)


@pytest.fixture
def sent(published, clinic):
    """A patient in the browser that sent the form."""
    patient = PatientBrowser(clinic).fill_in()
    assert patient.submit().status_code == 303
    return patient


def test_the_person_sees_which_roles_looked_and_no_names(sent, clinic, signed_in):
    reference = sent.response.reference
    url = f"/intake/{sent.public_id}/who-looked/"
    assert "Nobody at the clinic has opened your form yet" in sent.client.get(url).content.decode()
    signed_in(make_user("clinician", clinic, name="Dr. Ada Example")).get(f"/review/{reference}/")
    signed_in(make_user("front-desk", clinic)).get("/review/")
    html = sent.client.get(url).content.decode()
    assert re.search(r"<strong>Clinician</strong>:\s+Read your answers", html)
    assert re.search(r"<strong>Front desk</strong>:\s+Saw your reference", html)
    assert "Ada" not in html
    assert AuditEvent.objects.filter(action="accounting.read", entity_id=sent.response.id).count() == 2


def test_nobody_without_the_pass_sees_who_looked(sent, client, clinic, signed_in):
    url = f"/intake/{sent.public_id}/who-looked/"
    missing = f"/intake/{'A' * 22}/who-looked/"
    staff = signed_in(make_user("clinician", clinic))
    assert [c.get(u).status_code for c in (client, staff) for u in (url, missing)] == [404] * 4


def test_who_looked_is_told_only_after_sending(published, clinic):
    draft = PatientBrowser(clinic)
    answer = draft.client.get(f"/intake/{draft.public_id}/who-looked/")
    assert (answer.status_code, answer["Location"]) == (302, f"/intake/{draft.public_id}/")


def test_the_last_page_leads_to_who_looked(sent):
    assert (
        f"/intake/{sent.public_id}/who-looked/" in sent.client.get(f"/intake/{sent.public_id}/done/").content.decode()
    )
