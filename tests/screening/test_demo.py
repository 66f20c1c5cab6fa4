"""The demo: every state of the workflow is reached, once, and only where it is said to be a demonstration."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client, override_settings

from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.audit.models import AuditEvent
from clinic_site.clinics.models import Clinic
from intake.answers import State
from intake.models import Consent, Patient, QuestionnaireResponse
from intake.services import Incomplete
from screening.case_page import build_case_page, identity_of
from screening.demo import AnswersRefused, answer_draft, complete_answers, fill_in
from screening.demo.answers import demo_files
from screening.demo.seeding import StepRefused, demo_people, seed_demo, take_step
from screening.models import Assessment, Case, CaseEvent, CaseStatus, DetectedIssue, Disposition, Observation, Outcome
from screening.rules import TIERS, severity
from tests.conftest import make_clinic, publish_shipped_content

PEOPLE = demo_people()
TABLES = (
    Clinic, User, Membership, QuestionnaireResponse, Patient, Consent, Case, CaseEvent, Assessment, DetectedIssue,
    Disposition, Observation, AuditEvent,
)  # fmt: skip


@pytest.fixture(scope="class")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The demo, set up once for all the tests of a class and rolled back after them."""
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        publish_shipped_content()
        call_command("seed_demo", stdout=StringIO())
        yield
        transaction.set_rollback(True)


def response_of(name: str) -> QuestionnaireResponse:
    rows = QuestionnaireResponse.objects.select_related("clinic", "data_key")
    return next(row for row in rows if identity_of(row, row.document())["name"] == name)


def case_of(name: str) -> Case:
    return Case.objects.with_record().get(response=response_of(name))


def logins() -> list[dict[str, str]]:
    return [member for clinic in demo_files()["clinics.yaml"]["clinics"] for member in clinic["staff"]]


@pytest.mark.usefixtures("demo", "db")
class TestTheDemo:
    @pytest.mark.parametrize("person", PEOPLE, ids=[person["name"] for person in PEOPLE])
    def test_each_person_reaches_the_state_that_the_file_promises(self, person):
        promised = person["reaches"]
        if promised["status"] == "no case":
            response = response_of(person["name"])
            assert response.is_draft
            assert not Case.objects.filter(response=response).exists()
            return
        case = case_of(person["name"])
        page = build_case_page(case)
        still_open = {flag.issue.rule_id for flag in page.flags if flag.blocks_signing and not flag.closed}
        outcomes = [signed.decision.outcome for signed in page.decisions]
        assert case.status == promised["status"]
        assert case.severity == severity(promised["tier"])
        assert still_open == set(promised["open"])
        assert case.clinic.slug == person.get("clinic", "riverside-demo")
        if case.status == CaseStatus.DECIDED:
            assert outcomes == [promised["outcome"]]

    def test_the_people_stand_in_every_state_at_every_tier_and_outcome(self):
        promised = [person["reaches"] for person in PEOPLE]
        assert {state["status"] for state in promised} == {"no case", *CaseStatus.values}
        assert {state["tier"] for state in promised if "tier" in state} == set(TIERS)
        signed = set(Case.objects.values_list("decisions__outcome", flat=True)) - {None}
        assert signed == set(Outcome.values)

    def test_an_emergency_on_an_unfinished_form_heads_the_queue(self):
        clinician = User.objects.get(email="clinician@demo.example")
        client = Client()
        client.force_login(clinician)
        first = client.get("/review/").context["cases"][0]
        assert first["reference"] == case_of("Uma Unfinished").reference

    def test_an_absolute_flag_closed_by_one_clinician_waits_for_a_second(self):
        flags = build_case_page(case_of("Secunda Opinion")).flags
        assert [flag.issue.rule_id for flag in flags if flag.needs_second] == ["psychosis.current"]

    def test_a_changed_answer_is_shown_with_what_it_was(self):
        document = response_of("Chang Ofmind").document()
        assert document.value("brain_bleed_ever") == "no"
        assert [answer.value for answer in document.changes("brain_bleed_ever")] == ["yes"]

    def test_half_known_dates_are_kept_as_they_were_given(self):
        document = response_of("Percy Partial").document()
        assert document.value("last_suicide_attempt_date") == "2004"
        assert document.get("last_heart_attack_or_stroke_date").shown == "March 2019"

    def test_no_case_of_one_clinic_is_seen_in_the_other(self):
        hillside = Client()
        hillside.force_login(User.objects.get(email="hillside-clinician@demo.example"))
        shown = {case["reference"] for case in hillside.get("/review/").context["cases"]}
        assert shown == {case_of("Hal Hillside").reference, case_of("Hope Hillside").reference}
        assert hillside.get(f"/review/{case_of('Sam Sample').reference}/").status_code == 404

    @pytest.mark.parametrize(
        "person", [p for p in PEOPLE if p["reaches"]["status"] != "no case"], ids=lambda p: p["name"]
    )
    def test_every_case_page_opens(self, person):
        case = case_of(person["name"])
        client = Client()
        clinicians = User.objects.filter(memberships__clinic=case.clinic, memberships__role="clinician")
        client.force_login(case.owner or clinicians.first())
        assert client.get(f"/review/{case.reference}/").status_code == 200

    def test_there_is_a_login_for_every_role_and_two_clinicians(self):
        riverside = Membership.objects.filter(clinic__slug="riverside-demo").values_list("role", flat=True)
        assert sorted(riverside) == sorted([*roles(), "clinician"])

    @pytest.mark.parametrize("login", logins(), ids=lambda login: login["email"])
    def test_every_printed_login_opens(self, login):
        printed = StringIO()
        call_command("demo_logins", stdout=printed)
        password = demo_files()["clinics.yaml"]["password"]
        assert login["email"] in printed.getvalue()
        assert password in printed.getvalue()
        assert authenticate(None, username=login["email"], password=password).name == login["name"]

    def test_the_printed_addresses_are_those_of_the_served_site(self, monkeypatch):
        monkeypatch.setenv("SITE_URL", "http://127.0.0.1:8123/")
        printed = StringIO()
        call_command("demo_logins", stdout=printed)
        assert "http://127.0.0.1:8123/at/riverside-demo/" in printed.getvalue()
        assert "http://127.0.0.1:8123/sign-in/" in printed.getvalue()
        assert Client().get("/at/riverside-demo/").status_code == 200

    def test_a_second_run_adds_nothing(self):
        before = [table.objects.count() for table in TABLES]
        assert all(before)
        call_command("seed_demo", stdout=StringIO())
        assert [table.objects.count() for table in TABLES] == before

    def test_a_step_that_the_role_may_not_do_is_refused(self):
        front_desk = User.objects.get(email="front-desk@demo.example")
        with pytest.raises(StepRefused):
            take_step(case_of("Sam Sample").id, front_desk, {"does": "take"})


@pytest.mark.parametrize("command", ["seed_demo", "demo_logins"])
def test_the_commands_refuse_outside_a_demonstration(db, settings, command):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command(command)
    assert not User.objects.exists()


def test_setting_up_before_anything_is_published_says_what_to_run_and_leaves_nothing(db, settings):
    settings.DEMO = True
    with pytest.raises(CommandError, match="publish_content"):
        call_command("seed_demo")
    assert not Clinic.objects.exists()


def test_a_failed_set_up_leaves_nothing_behind(published, settings, monkeypatch):
    settings.DEMO = True
    monkeypatch.setattr(
        "screening.demo.seeding.demo_people", lambda: [{**PEOPLE[0], "answers": {"state_now": "atlantis"}}]
    )
    with pytest.raises(AnswersRefused):
        seed_demo()
    assert not Clinic.objects.exists()


def test_somebody_with_nothing_to_declare_leaves_only_the_identity_check(published):
    response = fill_in(make_clinic("riverside"), complete_answers())
    assert Case.objects.get(response=response).rule_ids == ["identity.unverified"]


def test_a_question_left_blank_is_skipped_and_a_required_one_stands_in_the_way(published):
    clinic = make_clinic("riverside")
    response = fill_in(clinic, complete_answers(aneurysm_or_avm=None))
    assert response.document().get("aneurysm_or_avm").state is State.SKIPPED
    with pytest.raises(Incomplete):
        fill_in(clinic, complete_answers(telehealth_consent=None))


def test_only_pages_that_are_asked_are_answered(published):
    draft = answer_draft(make_clinic("riverside"), complete_answers(), until="suicide_attempt_ever")
    assert "suicide_attempt_ever" in draft.document().answers
    assert not {"suicidal_thoughts_right_now", "thinking_of_hurting_someone_now"} & draft.document().answers.keys()


def test_a_change_opens_and_answers_what_follows_from_it(published):
    changes = {"heart_attack_or_stroke_ever": "yes", "last_heart_attack_or_stroke_date": None}
    document = fill_in(make_clinic("riverside"), complete_answers(), changes=changes).document()
    assert document.get("last_heart_attack_or_stroke_date").state is State.SKIPPED
