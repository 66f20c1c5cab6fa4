"""From a submitted response to a signed decision."""

import pytest

from clinic_site.audit.models import AuditEvent
from screening.models import Assessment, Case, CaseStatus, Decision
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db


def close_every_flag(client, case, *, reason="addressed"):
    page = client.get(f"/review/{case.reference}/")
    for flag in page.context["open_flags"]:
        if flag["form"]:
            client.post(flag["close_url"], {"reason": reason, "words": "Looked at this with the patient."})


def sign(client, case, outcome="proceed-to-evaluation"):
    page = client.get(f"/review/{case.reference}/")
    form = page.context["decision_form"]
    return client.post(
        f"/review/{case.reference}/decision/",
        {"outcome": outcome, "words": "Nothing stands against a visit.", "shown_sha256": form.initial["shown_sha256"]},
    )


def test_somebody_with_nothing_to_declare_leaves_only_the_identity_check(published, clinic, staff, signed_in):
    patient = PatientBrowser(clinic).fill_in()
    assert patient.submit().status_code == 303
    case = Case.objects.get()
    assert case.rule_ids == ["identity.unverified"]
    assert case.status == CaseStatus.WAITING


def test_a_case_goes_from_the_queue_to_a_signed_decision(published, clinic, staff, signed_in):
    PatientBrowser(clinic, {"mania_symptoms_past_2_weeks": {"": "no"}}).fill_in().submit()
    case = Case.objects.get()
    client = signed_in(staff("clinician"))
    assert case.reference in client.get("/review/").content.decode()
    client.post(f"/review/{case.reference}/claim/")
    assert sign(client, case).status_code == 409
    client.post(
        f"/review/{case.reference}/record/identity/", {"verified": "yes", "observed_on": clinic.today(), "note": ""}
    )
    assert Case.objects.get().rule_ids == []
    assert sign(client, case).status_code == 302
    decision = Decision.objects.get()
    assert decision.outcome == "proceed-to-evaluation"
    assert Case.objects.get().status == CaseStatus.DECIDED
    assert (
        AuditEvent.objects.filter(action="case.decision-signed", detail__shown_sha256=decision.shown_sha256).count()
        == 1
    )


def test_an_absolute_flag_needs_two_clinicians(published, clinic, staff, signed_in):
    PatientBrowser(clinic, {"aneurysm_or_avm": {"": "yes"}}).fill_in().submit()
    case = Case.objects.get()
    first, second = signed_in(staff("clinician")), signed_in(staff("medical-director"))
    first.post(f"/review/{case.reference}/claim/")
    close_every_flag(first, case)
    assert sign(first, case).status_code == 409
    close_every_flag(second, case)
    assert sign(first, case, "not-at-this-time").status_code == 302


def test_a_second_run_appends_an_assessment(published, clinic, staff, signed_in):
    PatientBrowser(clinic).fill_in().submit()
    case = Case.objects.get()
    client = signed_in(staff("front-desk"))
    client.post(
        f"/review/{case.reference}/record/identity/", {"verified": "yes", "observed_on": clinic.today(), "note": ""}
    )
    assert Assessment.objects.count() == 2
