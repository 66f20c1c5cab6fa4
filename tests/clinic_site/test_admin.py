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

from clinic_site.accounts.models import Membership, User
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
    **dict.fromkeys(CLINICAL, "case.read"),
    **dict.fromkeys(CONTENT, "content.read"),
    AuditEvent: "audit.read",
    Clinic: "admin.access",
    User: "admin.manage",
}
WRITTEN = (Clinic, User)


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


def person_fields(person, *new_roles, removed=(), **changed):
    """What the form of a person posts: `new_roles` are (clinic, role), `removed` memberships to take away."""
    kept = list(removed)
    fields = {
        "name": person.name,
        "email": person.email,
        "is_active": "on",
        "memberships-TOTAL_FORMS": str(len(kept) + len(new_roles)),
        "memberships-INITIAL_FORMS": str(len(kept)),
        **changed,
    }
    for index, membership in enumerate(kept):
        fields |= {f"memberships-{index}-id": membership.pk, f"memberships-{index}-DELETE": "on"}
    for index, (clinic, role) in enumerate(new_roles, len(kept)):
        fields |= {f"memberships-{index}-clinic": clinic.pk, f"memberships-{index}-role": role}
    return fields


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
        allowed = model in WRITTEN and "admin.manage" in roles()[role].may
        assert shown.has_add_permission(request) is allowed, (role, model)
        assert shown.has_change_permission(request) is allowed, (role, model)


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


def test_a_new_person_has_roles_and_no_password(administrator, clinic):
    fields = person_fields(User(name="Ada Example", email="Ada@Riverside.example"), (clinic, "clinician"))
    assert administrator.post(page(User, "add"), fields).status_code == 302
    person = User.objects.get(email="ada@riverside.example")
    assert not person.has_usable_password()
    assert person.granted() == [(clinic.pk, "clinician")]
    granted = AuditEvent.objects.get(action="role.granted")
    assert (granted.entity_id, granted.detail) == (person.pk, {"clinic": str(clinic.pk), "role": "clinician"})


def test_a_role_is_taken_away_and_recorded(administrator, staff):
    person = staff("front-desk")
    fields = person_fields(person, removed=person.memberships.all())
    assert administrator.post(page(User, "change", person.pk), fields).status_code == 302
    assert not person.memberships.exists()
    assert AuditEvent.objects.get(action="role.revoked").detail["role"] == "front-desk"


@pytest.mark.parametrize("granted", [("administrator", "clinician"), ("front-desk", "administrator")])
def test_nobody_is_administrator_and_sees_patients_at_one_clinic(administrator, staff, clinic, granted):
    person = staff("auditor")
    fields = person_fields(person, *((clinic, role) for role in granted))
    answer = administrator.post(page(User, "change", person.pk), fields)
    assert answer.status_code == 422
    assert "Nobody can be Administrator and" in answer.content.decode()
    assert person.memberships.count() == 1


def test_the_conflict_counts_roles_that_are_already_held_and_not_those_taken_away(administrator, staff, clinic):
    person = staff("clinician")
    address, wanted = page(User, "change", person.pk), (clinic, "administrator")
    assert administrator.post(address, person_fields(person, wanted)).status_code == 422
    replaced = person_fields(person, wanted, removed=person.memberships.all())
    assert administrator.post(address, replaced).status_code == 302
    assert list(person.memberships.values_list("role", flat=True)) == ["administrator"]


def test_a_role_is_granted_once(administrator, staff, clinic):
    person = staff("clinician")
    answer = administrator.post(page(User, "change", person.pk), person_fields(person, (clinic, "clinician")))
    assert answer.status_code == 422
    assert "is there already" in answer.content.decode()


def test_nobody_edits_their_own_roles_or_locks_themselves_out(administrator, clinic):
    me = administrator.user
    address = page(User, "change", me.pk)
    assert "memberships-0-DELETE" not in administrator.get(address).content.decode()
    administrator.post(address, person_fields(me, (clinic, "auditor"), is_active=""))
    administrator.post(address, person_fields(me, removed=me.memberships.all()))
    assert list(me.memberships.values_list("role", flat=True)) == ["administrator"]
    me.refresh_from_db()
    assert me.is_active


def test_roles_of_other_clinics_are_neither_shown_nor_granted(administrator, staff):
    elsewhere = make_clinic("elsewhere")
    person = staff("front-desk")
    Membership.objects.create(user=person, clinic=elsewhere, role="clinician")
    address = page(User, "change", person.pk)
    assert "Elsewhere Test Clinic" not in administrator.get(address).content.decode()
    assert administrator.post(address, person_fields(person, (elsewhere, "auditor"))).status_code == 422
    administrator.post(address, person_fields(person, removed=person.memberships.filter(clinic=elsewhere)))
    assert person.memberships.filter(clinic=elsewhere, role="clinician").exists()


def test_clinics_and_people_elsewhere_are_not_an_administrators(administrator):
    elsewhere = make_clinic("elsewhere")
    person = make_user("clinician", elsewhere, name="Dr. Elsewhere")
    for listed in (reverse("admin:clinics_clinic_changelist"), reverse("admin:accounts_user_changelist")):
        assert "elsewhere" not in administrator.get(listed).content.decode().lower()
    assert administrator.get(page(Clinic, "change", elsewhere.pk)).status_code != 200
    assert administrator.get(page(User, "change", person.pk)).status_code != 200


def test_somebody_who_also_works_elsewhere_keeps_name_and_access(administrator):
    person = make_user("clinician", make_clinic("elsewhere"), name="Dr. Elsewhere")
    administrator.post(page(User, "change", person.pk), person_fields(person, name="Renamed", is_active=""))
    person.refresh_from_db()
    assert (person.name, person.is_active) == ("Dr. Elsewhere", True)


def password_page(person):
    return reverse("admin:auth_user_password_change", args=[person.pk])


def test_a_first_password_is_set_once_and_recorded(administrator, staff):
    person = staff("clinician")
    assert "first password" in administrator.get(password_page(person)).content.decode()
    typed = {"password1": PASSWORD, "password2": PASSWORD}
    assert administrator.post(password_page(person), typed).status_code == 302
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert AuditEvent.objects.get(action="admin.changed").detail == {"fields": ["password"]}
    assert administrator.post(password_page(person), typed).status_code == 403
    html = administrator.get(page(User, "change", person.pk)).content.decode()
    assert "argon2" not in html


def test_a_first_password_follows_the_rules_for_passwords(administrator, staff):
    person = staff("clinician")
    administrator.post(password_page(person), {"password1": "short", "password2": "short"})
    person.refresh_from_db()
    assert not person.has_usable_password()


def test_no_first_password_is_set_for_somebody_of_another_clinic_or_oneself(administrator, director):
    person = make_user("clinician", make_clinic("elsewhere"))
    assert administrator.get(password_page(person)).status_code == 404
    assert administrator.get(password_page(administrator.user)).status_code == 403
    assert director.get(password_page(person)).status_code == 403


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
        call_command("create_staff", role="clinician", **arguments)


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
