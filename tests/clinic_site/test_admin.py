"""Admin: who opens what, that nothing clinical is written there, and that everything done leaves an audit entry."""

from io import StringIO

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import models
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from clinic_site.accounts.models import AccessChange, Membership, User
from clinic_site.accounts.permissions import permissions, roles
from clinic_site.audit import admin as audit_admin
from clinic_site.audit.models import AuditEvent
from clinic_site.clinics.models import Clinic
from intake.models import Consent, Patient, QuestionnaireResponse, QuestionnaireVersion
from screening.models import (
    Assessment,
    Case,
    Decision,
    DetectedIssue,
    Disposition,
    Observation,
    RuleSetVersion,
)
from tests.conftest import PASSWORD, make_clinic, make_user
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

CLINICAL = [QuestionnaireResponse, Consent, Case, Assessment, DetectedIssue, Observation, Disposition, Decision]
CONTENT = [QuestionnaireVersion, RuleSetVersion]
READ_BY = {
    **dict.fromkeys(CLINICAL, "case.read-any"),
    **dict.fromkeys(CONTENT, "content.read"),
    AuditEvent: "audit.read",
    Clinic: "admin.access",
    User: "admin.manage",
    AccessChange: "admin.manage",
}
# Nobody is added: people are invited.
ADDED, CHANGED = (Clinic,), (Clinic, User)


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def administrator(staff, signed_in):
    user = staff("administrator")
    client = signed_in(user)
    client.user = user
    return client


@pytest.fixture
def director(staff, signed_in):
    return signed_in(staff("medical-director"))


@pytest.fixture
def case(published, clinic):
    """A submitted case whose answers carry words that must not appear in admin."""
    PatientBrowser(clinic, {"legal_family_name": {"": "Zanzibarra"}}).fill_in().submit()
    return Case.objects.get()


def clinic_fields(**changed):
    return {
        "name": "Harbor Clinic",
        "slug": "harbor",
        "phone": "(212) 555-0111",
        "alert_email": "on-call@harbor.example",
        "time_zone": "America/New_York",
        "hours": "Monday 9:00-17:00\nfriday 10:00 to 14:30",
        "holidays": "2026-12-25\n2026-01-01",
        "licensed_states": "NY, nj",
        "crisis_text": "Call us.",
        "is_accepting": "on",
        **changed,
    }


def test_every_registered_model_is_in_the_matrix():
    assert set(admin.site._registry) == set(READ_BY)
    assert set(READ_BY.values()) <= permissions().keys()
    assert all(isinstance(shown, audit_admin.AuditedAdmin) for shown in admin.site._registry.values())


@pytest.mark.parametrize("role", sorted(roles()))
def test_a_role_opens_exactly_the_lists_it_may_read(role, staff, signed_in):
    client, may = signed_in(staff(role)), roles()[role].may
    for model, permission in READ_BY.items():
        allowed = "admin.access" in may and permission in may
        expected = 200 if allowed else 403
        assert client.get(page(model, "changelist")).status_code == expected, (role, model)


@pytest.mark.parametrize("role", sorted(roles()))
def test_only_an_administrator_adds_or_changes_and_only_clinics_and_people(role, staff):
    request = RequestFactory().get("/")
    request.user = staff(role)
    for model, shown in admin.site._registry.items():
        may = "admin.manage" in roles()[role].may
        assert shown.has_add_permission(request) is (may and model in ADDED), (role, model)
        assert shown.has_change_permission(request) is (may and model in CHANGED), (role, model)


@pytest.mark.parametrize("role", sorted(roles()))
def test_nothing_is_deleted_and_no_list_has_actions(role, staff, signed_in):
    request = RequestFactory().get("/")
    request.user = staff(role)
    for shown in admin.site._registry.values():
        assert shown.has_delete_permission(request) is False
        assert shown.get_actions(request) == {}


def test_the_pages_for_deleting_and_adding_clinical_rows_are_refused(director, case):
    assert director.get(page(Case, "add")).status_code == 403
    assert director.get(page(Case, "delete", case.pk)).status_code == 403
    assert director.post(page(Case, "delete", case.pk), {"post": "yes"}).status_code == 403
    assert director.post(page(Case, "change", case.pk), {"status": "decided"}).status_code == 403
    assert Case.objects.get().status == case.status


def review(case, by):
    """One row of everything a clinician writes, with recognisable bytes where it is sealed."""
    of_case = {"clinic": case.clinic, "case": case}
    now, issue = timezone.now(), case.issues.first()
    Observation.objects.create(
        **of_case, kind="identity", values=b"CANARY", observed_on=now.date(), recorded_by=by, recorded_at=now
    )
    Disposition.objects.create(
        **of_case, issue=issue, fingerprint=issue.fingerprint, reason="addressed", words=b"CANARY", by=by, at=now
    )
    Decision.objects.create(
        **of_case, assessment=issue.assessment, outcome="proceed-to-evaluation", words=b"CANARY", shown_sha256="0" * 64,
        signed_by=by, signed_at=now,
    )  # fmt: skip


@pytest.mark.parametrize("model", CLINICAL)
def test_clinical_pages_show_neither_sealed_columns_nor_who_it_is(model, director, case, staff):
    review(case, staff("clinician"))
    for address in (page(model, "changelist"), page(model, "change", model.objects.first().pk)):
        answer = director.get(address)
        assert answer.status_code == 200, address
        html = answer.content.decode()
        for hidden in ("Zanzibarra", "CANARY", "&lt;memory", "b&#x27;", case.response.public_id):
            assert hidden not in html, (address, hidden)


def test_names_are_not_completed_past_the_audit(director, case):
    asked = {"app_label": "screening", "model_name": "case", "field_name": "response", "term": ""}
    assert director.get("/admin/autocomplete/", asked).status_code == 404


def test_no_admin_class_names_a_sealed_column():
    for model, shown in admin.site._registry.items():
        sealed = {field.name for field in model._meta.get_fields() if isinstance(field, models.BinaryField)}
        named = {*shown.list_display, *shown.list_filter, *shown.search_fields, *getattr(shown, "shown", ())}
        assert not sealed & named, model
        assert not {name for name in shown.search_fields if "patient" in name}
    assert Patient not in admin.site._registry


def test_addresses_can_not_filter_by_sealed_columns_or_passwords(director, administrator, case):
    assert director.get(page(QuestionnaireResponse, "changelist") + "?answers__startswith=a").status_code == 400
    assert director.get(page(Case, "changelist") + "?response__patient__identity=a").status_code == 400
    assert administrator.get(page(User, "changelist") + "?password__startswith=a").status_code == 400
    assert administrator.get(page(User, "changelist") + "?is_active__exact=1").status_code == 200


def test_clinical_rows_of_another_clinic_are_not_there(case, signed_in):
    stranger = signed_in(make_user("medical-director", make_clinic("elsewhere")))
    assert case.reference not in stranger.get(page(Case, "changelist")).content.decode()
    assert stranger.get(page(Case, "change", case.pk)).status_code == 302


def test_a_case_is_found_by_its_whole_reference_only(director, case):
    listed = page(Case, "changelist")
    assert list(director.get(listed, {"q": case.reference.lower()}).context["cl"].result_list) == [case]
    assert not director.get(listed, {"q": case.reference[:4]}).context["cl"].result_list


def test_a_published_document_is_read_file_by_file(director, published):
    version = QuestionnaireVersion.objects.get()
    html = director.get(page(QuestionnaireVersion, "change", version.pk)).content.decode()
    assert "<summary>04-safety-first.yaml</summary>" in html
    assert escape(version.source["04-safety-first.yaml"]) in html


def test_a_list_and_a_page_leave_an_audit_entry_that_names_the_rows(director, case):
    director.get(page(Case, "changelist"))
    listed = AuditEvent.objects.get(action="admin.listed")
    assert listed.detail == {"model": "screening.case", "rows": [str(case.pk)]}
    director.get(page(Case, "change", case.pk))
    read = AuditEvent.objects.get(action="admin.read")
    assert (read.entity_id, read.clinic_id, read.address) == (case.pk, case.clinic_id, "127.0.0.1")


def test_a_page_that_can_not_be_recorded_is_not_shown(director, case, monkeypatch):
    def refuse(events):
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit_admin, "record", refuse)
    for address in (page(Case, "changelist"), page(Case, "change", case.pk)):
        with pytest.raises(RuntimeError, match="no audit"):
            director.get(address)


def test_an_auditor_reads_their_clinic_s_entries_and_follows_a_record(staff, signed_in, administrator, clinic):
    elsewhere = make_clinic("elsewhere")
    AuditEvent.objects.create(clinic=elsewhere, actor="system", action="not.ours", entity_type="")
    administrator.get(page(Clinic, "change", clinic.pk))
    auditor = signed_in(staff("auditor"))
    html = auditor.get(page(AuditEvent, "changelist")).content.decode()
    assert "admin.read" in html
    assert "not.ours" not in html
    trail = auditor.get(page(Clinic, "history", clinic.pk), follow=True)
    assert [event.action for event in trail.context["cl"].result_list] == ["admin.read"]
    assert administrator.get(page(Clinic, "history", clinic.pk)).status_code == 403
    assert not auditor.get(page(AuditEvent, "changelist"), {"q": "no key"}).context["cl"].result_list


def test_an_auditor_finds_a_record_by_its_reference(staff, signed_in, clinic, published):
    patient = PatientBrowser(clinic)
    patient.save("date_of_birth")
    auditor, response = signed_in(staff("auditor")), patient.response
    shown = auditor.get(page(AuditEvent, "changelist"), {"q": f" {response.reference.lower()} "})
    found = [event.action for event in shown.context["cl"].result_list]
    assert found == ["response.page-saved", "response.started"]
    by_key = auditor.get(page(AuditEvent, "changelist"), {"q": str(response.pk)})
    assert [event.action for event in by_key.context["cl"].result_list] == ["response.started"]


def test_an_administrator_adds_a_clinic_in_plain_lines(administrator):
    assert administrator.post(page(Clinic, "add"), clinic_fields()).status_code == 302
    clinic = Clinic.objects.get(slug="harbor")
    assert clinic.hours == {"monday": ["09:00", "17:00"], "friday": ["10:00", "14:30"]}
    assert clinic.holidays == ["2026-01-01", "2026-12-25"]
    assert clinic.licensed_states == ["ny", "nj"]
    assert AuditEvent.objects.get(action="admin.added").entity_id == clinic.pk


def test_a_change_of_a_clinic_is_recorded_by_the_names_of_its_fields(administrator):
    administrator.post(page(Clinic, "add"), clinic_fields())
    clinic = Clinic.objects.get(slug="harbor")
    html = administrator.get(page(Clinic, "change", clinic.pk)).content.decode()
    assert "Friday 10:00-14:30" in html
    administrator.post(page(Clinic, "change", clinic.pk), clinic_fields(phone="(212) 555-0122"))
    assert AuditEvent.objects.get(action="admin.changed").detail == {"fields": ["phone"]}


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("hours", "Mon 9-5", "“Mon 9-5” is not understood"),
        ("hours", "Monday 17:00-09:00", "is not understood"),
        ("hours", "Monday 09:00-12:00\nMonday 13:00-17:00", "Write Monday once."),
        ("holidays", "Christmas", "Write holidays as"),
        ("licensed_states", "New York", "Write states as"),
        ("time_zone", "Atlantis", "Select a valid choice"),
    ],
)
def test_a_mistake_about_a_clinic_is_told_and_nothing_is_kept(administrator, field, typed, told):
    answer = administrator.post(page(Clinic, "add"), clinic_fields(**{field: typed}))
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Clinic.objects.filter(slug="harbor").exists()


def person_step(person, step):
    return f"/admin/accounts/user/{person.pk}/{step}/"


@pytest.fixture
def second(clinic, signed_in):
    """Another administrator of the clinic."""
    return signed_in(make_user("administrator", clinic, name="Second Administrator"))


def test_a_role_is_asked_for_on_one_page_and_agreed_to_by_another_administrator(administrator, second, staff, clinic):
    person = staff("front-desk")
    asked = administrator.post(
        person_step(person, "role"), {"clinic": clinic.pk, "roles": ["clinician", "medical-director"]}, follow=True
    )
    assert "takes effect when another administrator agrees" in asked.content.decode()
    change = AccessChange.objects.get(role="clinician")
    own = administrator.get(page(AccessChange, "change", change.pk)).content.decode()
    assert 'value="approve"' not in own
    assert "Take it back" in own
    listed = second.get(page(AccessChange, "changelist"), {"outcome__exact": ""}).content.decode()
    assert person.name in listed
    shown = second.get(page(AccessChange, "change", change.pk)).content.decode()
    assert 'value="approve"' in shown
    assert person.email in shown
    assert (
        second.post(reverse("admin:accounts_accesschange_decide", args=[change.pk]), {"do": "approve"}).status_code
        == 302
    )
    assert User.objects.get(pk=person.pk).may("case.read", clinic.pk)


def test_agreeing_to_one_s_own_request_is_refused_on_the_page_too(administrator, staff, clinic):
    person = staff("front-desk")
    administrator.post(person_step(person, "role"), {"clinic": clinic.pk, "roles": ["clinician"]})
    change = AccessChange.objects.get()
    answer = administrator.post(
        reverse("admin:accounts_accesschange_decide", args=[change.pk]), {"do": "approve"}, follow=True
    )
    assert "Another administrator must agree" in answer.content.decode()
    assert person.memberships.count() == 1


def test_a_role_ends_on_a_page_that_asks_why(administrator, staff):
    person = staff("front-desk")
    address = person_step(person, f"role/{person.memberships.get().pk}/end")
    assert "End this role" in administrator.get(address).content.decode()
    assert administrator.post(address, {}).status_code == 422
    assert administrator.post(address, {"reason": "new-work"}).status_code == 302
    assert not person.memberships.exists()
    assert "had ended already" in administrator.post(address, {"reason": "new-work"}, follow=True).content.decode()
    assert AuditEvent.objects.get(action="role.ended").detail == {"role": "front-desk", "reason": "new-work"}


def test_leaving_is_one_page(administrator, staff, signed_in):
    person = staff("clinician")
    theirs = signed_in(person)
    answer = administrator.post(person_step(person, "leaving"), {"reason": "left"}, follow=True)
    assert "Everything has ended" in answer.content.decode()
    assert theirs.get("/review/").status_code == 302
    assert not User.objects.get(pk=person.pk).is_active


def test_a_new_start_asks_how_identity_was_checked(administrator, staff, clinic):
    person = staff("clinician")
    address = person_step(person, "new-start")
    assert administrator.post(address, {"clinic": clinic.pk, "words": "ok"}).status_code == 422
    words = "He showed me his badge at the desk."
    assert administrator.post(address, {"clinic": clinic.pk, "words": words}).status_code == 302
    assert AccessChange.objects.get().words == words


def test_signing_somebody_out_everywhere_is_one_button(administrator, staff, signed_in, published):
    person = staff("clinician")
    theirs = [signed_in(person), signed_in(person)]
    assert (
        "Signed out everywhere (2)" in administrator.post(person_step(person, "sessions"), follow=True).content.decode()
    )
    assert [client.get("/review/").status_code for client in theirs] == [302, 302]
    assert AuditEvent.objects.get(action="staff.sessions-ended").entity_id == person.pk


@pytest.mark.parametrize("granted", ["administrator", "auditor administrator"])
def test_nobody_is_administrator_and_sees_patients(administrator, staff, clinic, granted):
    person = staff("front-desk")
    answer = administrator.post(person_step(person, "role"), {"clinic": clinic.pk, "roles": granted.split()})
    assert answer.status_code == 422
    assert "Nobody can be Administrator and" in answer.content.decode()
    assert not AccessChange.objects.exists()


def test_nobody_changes_their_own_access(administrator, clinic):
    me = administrator.user
    html = administrator.get(page(User, "change", me.pk)).content.decode()
    assert person_step(me, "leaving") not in html
    role = f"role/{me.memberships.get().pk}/end"
    typed = {"reason": "left", "clinic": clinic.pk, "roles": ["auditor"], "words": "I have checked myself."}
    for step in ("role", role, "new-start", "leaving"):
        assert administrator.post(person_step(me, step), typed).status_code == 422, step
    administrator.post(person_step(me, "sessions"))
    assert administrator.get("/admin/").status_code == 200
    assert list(me.memberships.values_list("role", flat=True)) == ["administrator"]


def test_no_form_changes_address_access_or_rights(administrator, staff):
    person = staff("clinician")
    address = page(User, "change", person.pk)
    posted = {"name": "Dr. New Name", "email": "mine@evil.example", "is_active": "", "is_staff": "on", "password": "x"}
    assert administrator.post(address, posted).status_code == 302
    changed = User.objects.get(pk=person.pk)
    assert (changed.name, changed.email, changed.is_active) == ("Dr. New Name", person.email, True)
    assert changed.password == person.password
    assert administrator.get(page(User, "add")).status_code == 403


def test_roles_of_other_clinics_are_neither_shown_nor_ended(administrator, staff):
    elsewhere = make_clinic("elsewhere")
    person = staff("front-desk")
    theirs = Membership.objects.create(user=person, clinic=elsewhere, role="clinician", origin="shell")
    assert "Elsewhere Test Clinic" not in administrator.get(page(User, "change", person.pk)).content.decode()
    assert (
        administrator.post(person_step(person, "role"), {"clinic": elsewhere.pk, "roles": ["auditor"]}).status_code
        == 422
    )
    assert administrator.get(person_step(person, f"role/{theirs.pk}/end")).status_code == 404
    administrator.post(person_step(person, f"role/{theirs.pk}/end"), {"reason": "left"})
    administrator.post(person_step(person, "leaving"), {"reason": "left"})
    assert list(person.memberships.all()) == [theirs]


STEPS = ("role", "new-start", "leaving", "invitation", "sessions", f"role/{'0' * 8}-{'0' * 4}-7000-8000-{'0' * 12}/end")


def test_people_and_requests_of_another_clinic_are_not_there(administrator, staff, clinic):
    elsewhere = make_clinic("elsewhere")
    person, asking = make_user("clinician", elsewhere), make_user("administrator", elsewhere)
    change = AccessChange.objects.create(
        kind="role", person=person, clinic=elsewhere, role="medical-director", asked_by=asking
    )
    unknown = staff("clinician")
    unknown.pk = elsewhere.pk
    for step in STEPS:
        answers = [administrator.post(person_step(who, step), {"reason": "left"}) for who in (person, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404], step
    decide = reverse("admin:accounts_accesschange_decide", args=[change.pk])
    assert administrator.post(decide, {"do": "approve"}).status_code == 404
    assert str(person) not in administrator.get(page(AccessChange, "changelist")).content.decode()
    change.refresh_from_db()
    assert change.is_open
    assert person.memberships.count() == 1


@pytest.mark.parametrize("role", ["medical-director", "auditor"])
def test_only_an_administrator_takes_these_steps(role, staff, signed_in):
    client, person = signed_in(staff(role)), staff("clinician")
    assert client.get("/admin/accounts/user/invite/").status_code == 403
    for step in STEPS:
        assert client.post(person_step(person, step), {"reason": "left"}).status_code == 403, step
    assert person.memberships.count() == 1


def test_clinics_and_people_elsewhere_are_not_an_administrators(administrator):
    elsewhere = make_clinic("elsewhere")
    person = make_user("clinician", elsewhere, name="Dr. Elsewhere")
    for listed in (reverse("admin:clinics_clinic_changelist"), reverse("admin:accounts_user_changelist")):
        assert "elsewhere" not in administrator.get(listed).content.decode().lower()
    assert administrator.get(page(Clinic, "change", elsewhere.pk)).status_code != 200
    assert administrator.get(page(User, "change", person.pk)).status_code != 200


def test_somebody_who_also_works_elsewhere_keeps_name_and_access(administrator, clinic):
    person = make_user("clinician", make_clinic("elsewhere"), name="Dr. Elsewhere")
    Membership.objects.create(user=person, clinic=clinic, role="clinician", origin="shell")
    administrator.post(page(User, "change", person.pk), {"name": "Renamed", "is_active": ""})
    person.refresh_from_db()
    assert (person.name, person.is_active) == ("Dr. Elsewhere", True)


def test_signing_in_to_admin_is_signing_in(client, staff, signed_in):
    answer = client.get("/admin/clinics/clinic/", follow=True)
    assert answer.redirect_chain[-1][0] == f"{reverse('sign-in')}?next=/admin/clinics/clinic/"
    assert signed_in(staff("clinician")).get("/admin/", follow=True).status_code == 403


def test_admin_leads_back_to_the_queue_and_carries_the_notice(director, administrator):
    html = director.get("/admin/").content.decode()
    assert f'href="{reverse("screening:queue")}"' in html
    assert "medical director must sign it off" in html
    assert reverse("screening:queue") not in administrator.get("/admin/").content.decode()


def test_no_admin_page_needs_inline_scripts_or_styles(administrator, director, case, clinic):
    pages = [
        (administrator, "/admin/"),
        (administrator, page(Clinic, "add")),
        (administrator, page(User, "changelist")),
    ]
    pages += [(administrator, page(User, "change", administrator.user.pk)), (administrator, "/password/")]
    pages += [(administrator, "/admin/accounts/user/invite/"), (administrator, page(AccessChange, "changelist"))]
    pages += [(director, page(Case, "changelist")), (director, page(Case, "change", case.pk))]
    for client, address in pages:
        html = client.get(address).content.decode()
        for inline in ("<style", " style=", "<script>", "onclick", "javascript:"):
            assert inline not in html, (address, inline)


def test_large_lists_count_no_further_than_the_newest_rows(director, case, monkeypatch, statements):
    monkeypatch.setattr(audit_admin.CappedPaginator, "newest", 1)
    with statements() as counted:
        director.get(page(DetectedIssue, "changelist"))
    counts = [sql for sql in counted.statements() if "COUNT(" in sql]
    assert counts
    assert all("LIMIT 1" in sql for sql in counts)


def test_create_staff_adds_somebody_who_can_sign_in(clinic, client, monkeypatch):
    monkeypatch.setenv("STAFF_PASSWORD", PASSWORD)
    told = StringIO()
    arguments = {"email": "Ada@riverside.example", "name": "Dr. Ada Example", "clinic": "riverside"}
    call_command("create_staff", role="administrator", stdout=told, **arguments)
    assert "Dr. Ada Example can sign in as Administrator" in told.getvalue()
    assert client.login(username="ada@riverside.example", password=PASSWORD)
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"staff.added", "role.granted"}
    with pytest.raises(CommandError, match="is there already"):
        call_command("create_staff", role="administrator", **arguments)


@pytest.mark.parametrize(
    ("changed", "password", "told"),
    [
        ({"clinic": "nowhere"}, PASSWORD, "no clinic with the public address 'nowhere'. Known: riverside"),
        ({"email": "not an address"}, PASSWORD, "valid email"),
        ({}, "short", "too short"),
    ],
)
def test_create_staff_says_what_is_wrong_and_adds_nobody(clinic, monkeypatch, changed, password, told):
    monkeypatch.setenv("STAFF_PASSWORD", password)
    given = {"email": "ada@riverside.example", "name": "Dr. Ada Example", "clinic": "riverside", **changed}
    with pytest.raises(CommandError, match=told):
        call_command("create_staff", role="clinician", **given)
    assert not User.objects.exists()
    assert not Membership.objects.exists()
