"""Every address of the program, asked for by somebody who has not signed in."""

import pytest
from django.test import Client

from clinic_site.audit.models import AuditEvent
from intake.models import Consent, Patient, QuestionnaireResponse
from screening.models import Case, CaseEvent, Decision, DetectedIssue, Disposition, Observation
from tests.patients import PatientBrowser
from tests.security.walk import addresses, as_path

# What is open without signing in, with the answer to GET and to POST. Every address that is not named here belongs to
# staff. "No pass": the browser holds nothing of this patient's draft.
OPEN = {
    "home": (200, 200),
    "help-now": (200, 200),
    "browser-report": (405, 204),
    "livez": (200, 405),
    "readyz": (200, 405),
    "sign-in": (200, 422),
    "sign-in-passkey": (302, 422),
    "sign-in-second": (302, 401),
    "passkey-options": (200, 405),
    "password-forgotten": (200, 422),
    "password-new": (200, 422),
    "sign-out": (405, 302),
    "join": (200, 422),
    "intake:start": (200, 302),
    "intake:resume": (200, 422),
    "intake:open": (200, 422),
    "intake:leave": (405, 200),
    "intake:ways": (404, 404),
    "intake:wake": (404, 404),
    "intake:tasks": (404, 405),
    "intake:page": (404, 404),
    "intake:check": (404, 405),
    "intake:submit": (405, 404),
    "intake:done": (404, 405),
    "intake:stopped": (404, 405),
    "intake:help_now": (200, 200),
    "intake:help_now_replied": (200, 200),
    "admin:logout": (302, 302),  # nobody is signed in: on to the first page of admin, which asks to sign in
}
CLINICAL = (QuestionnaireResponse, Patient, Consent, Case, CaseEvent, DetectedIssue, Disposition, Observation, Decision)


@pytest.fixture
def world(published, clinic):
    """A submitted intake with an open flag, and the values that its addresses are made of."""
    patient = PatientBrowser(clinic, {"aneurysm_or_avm": {"": "yes"}}).fill_in()
    assert patient.submit().status_code == 303
    case = Case.objects.get()
    return {
        "slug": clinic.slug,
        "public_id": patient.public_id,
        "number": patient.number("aneurysm_or_avm"),
        "reference": case.reference,
        "issue_id": case.issues.first().id,
        "kind": "identity",
        "object_id": case.id,
        "content_type_id": 1,
    }


def answers_of(values):
    """(name, method, response) of every address, each asked by a browser that holds nothing."""
    for name, route in addresses():
        path = as_path(route, values)
        for method in ("get", "post"):
            client = Client(raise_request_exception=False)
            yield name, method, getattr(client, method)(path)


def test_every_address_is_either_listed_as_open_or_closed_to_strangers(world):
    wrong = []
    for name, method, answer in answers_of(world):
        if name in OPEN:
            right = answer.status_code == OPEN[name][method == "post"]
        elif answer.status_code == 302:
            right = answer["Location"].startswith(("/sign-in/?", "/admin/login/?"))
        else:
            right = answer.status_code in (401, 403, 404, 405)
        if not right:
            wrong.append((name, method, answer.status_code, answer.get("Location", "")))
    assert wrong == []


def test_a_stranger_changes_nothing_and_sees_nothing_of_a_patient(world):
    before = {model: model.objects.count() for model in CLINICAL}
    before[QuestionnaireResponse] += 1  # the start page opens an empty draft
    events = AuditEvent.objects.filter(user__isnull=False).count()
    for name, method, answer in answers_of(world):
        said = answer.content.decode()
        assert "Sample" not in said, (name, method)
        assert world["reference"] not in said.replace(f"/review/{world['reference']}/", ""), (name, method)
    assert {model: model.objects.count() for model in CLINICAL} == before
    assert AuditEvent.objects.filter(user__isnull=False).count() == events


def test_every_answer_to_a_stranger_carries_the_protecting_headers(world):
    missing = [(name, method, header) for name, method, answer in answers_of(world) for header in unprotected(answer)]
    assert missing == []


def test_every_listed_address_exists():
    assert set(OPEN) <= {name for name, _route in addresses()}


def unprotected(answer):
    """The headers that are missing or too weak."""
    policy = answer.get("Content-Security-Policy", "")
    kept = {
        "Content-Security-Policy": "default-src 'none'" in policy
        and "frame-ancestors 'none'" in policy
        and "unsafe" not in policy,
        "Cache-Control": "no-store" in answer.get("Cache-Control", ""),
        "X-Content-Type-Options": answer.get("X-Content-Type-Options") == "nosniff",
        "X-Frame-Options": answer.get("X-Frame-Options") == "DENY",
        "Referrer-Policy": answer.get("Referrer-Policy") in ("same-origin", "no-referrer"),
    }
    return [header for header, present in kept.items() if not present]


def test_pages_with_a_patient_on_them_carry_the_protecting_headers(world, clinic, staff, signed_in):
    patient = PatientBrowser(clinic)
    pages = [patient.client.get(f"/intake/{patient.public_id}/{part}") for part in ("", "1/", "check/", "help/")]
    pages.append(patient.client.post(f"/intake/{patient.public_id}/1/", {"ticket": "forged"}))
    clinician = signed_in(staff("clinician"))
    pages += [
        clinician.get("/review/"),
        clinician.get("/review/find/"),
        clinician.get(f"/review/{world['reference']}/"),
    ]
    pages.append(signed_in(staff("administrator")).get("/admin/clinics/clinic/"))
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 400, 200, 200, 200, 200]
    assert [unprotected(page) for page in pages] == [[]] * len(pages)


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(world, clinic):
    client = PatientBrowser(clinic).client
    client.get("/sign-in/")
    assert {name for name, cookie in client.cookies.items() if not cookie["httponly"]} == set()
    assert {cookie["samesite"] for cookie in client.cookies.values()} == {"Lax"}


def test_no_form_of_staff_is_taken_without_its_token(world, staff):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff("clinician"))
    posted = {
        name: client.post(as_path(route, world)).status_code
        for name, route in addresses()
        if name.startswith("screening:") or name in ("sign-in", "sign-out")
    }
    assert posted == dict.fromkeys(posted, 403)
    assert Case.objects.get().owner is None
