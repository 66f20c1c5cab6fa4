"""The demo: two clinics, their staff, and made-up people in every state of the workflow.

Patients and staff act through the services that the pages use, so that all of it is consistent and audited.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from clinic_site.accounts.factors import add_app, has_second_factor
from clinic_site.accounts.models import Membership, User
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from intake.models import QuestionnaireResponse
from screening.case_page import build_case_page
from screening.demo.answers import complete_answers, demo_files
from screening.demo.filling import answer_draft, fill_in
from screening.models import Case, ObservationKind, Outcome, ReasonCode
from screening.review import claim_case, close_flag, record_observation, release_case, sign_decision

Step = Mapping[str, Any]
_MAIN_CLINIC = "riverside-demo"


class NotADemo(Exception):
    """These settings are not those of a demonstration: the demo's password is public."""


class StepRefused(ValueError):
    """A review step in the demo's files can not be done."""


def check_demo() -> None:
    if not settings.DEMO:
        raise NotADemo("The demo has a public password, so it needs DEMO=1: set it only where nobody real is treated.")


def demo_clinics() -> list[dict[str, Any]]:
    return demo_files()["clinics.yaml"]["clinics"]


def demo_password() -> str:
    return demo_files()["clinics.yaml"]["password"]


def demo_app_key() -> str:
    return demo_files()["clinics.yaml"]["app_key"]


def demo_people() -> list[dict[str, Any]]:
    return demo_files()["people.yaml"]["people"]


def is_seeded() -> bool:
    return Clinic.objects.filter(slug__in=[clinic["slug"] for clinic in demo_clinics()]).exists()


@transaction.atomic
def seed_demo() -> bool:
    """Sets the demo up, all of it or nothing. False when it stands already. Raises NotADemo outside a demonstration."""
    check_demo()
    if is_seeded():
        _give_second_factors()
        return False
    staff: dict[str, User] = {}
    for entry in demo_clinics():
        staff |= _clinic_with_staff(entry)
    for person in demo_people():
        seed_person(person, staff)
    return True


def _give_second_factors() -> None:
    """To the staff of a demo that was made before there were any."""
    emails = [member["email"] for clinic in demo_clinics() for member in clinic["staff"]]
    for user in User.objects.filter(email__in=emails):
        if not has_second_factor(user):
            add_app(user, demo_app_key())


def _clinic_with_staff(entry: Mapping[str, Any]) -> dict[str, User]:
    """The saved users by their e-mail before the @."""
    clinic = Clinic(**{name: value for name, value in entry.items() if name != "staff"})
    clinic.full_clean()
    clinic.save()
    staff = {}
    for member in entry["staff"]:
        user = User(email=member["email"], name=member["name"])
        validate_password(demo_password(), user)
        user = User.objects.create_user(member["email"], demo_password(), name=member["name"])
        add_app(user, demo_app_key())
        membership = Membership(user=user, clinic=clinic, role=member["role"], origin=Membership.Origin.SHELL)
        membership.full_clean()
        membership.save()
        staff[member["email"].partition("@")[0]] = user
    record([audit_event("demo.seeded", clinic_id=clinic.id, entity=clinic, staff=len(staff))])
    return staff


def seed_person(person: Mapping[str, Any], staff: Mapping[str, User]) -> QuestionnaireResponse:
    """One entry of `people.yaml`: what the person answered, then what staff did."""
    clinic = Clinic.objects.get(slug=person.get("clinic", _MAIN_CLINIC))
    given, _space, family = person["name"].partition(" ")
    answers = {**complete_answers(legal_given_name=given, legal_family_name=family), **person.get("answers", {})}
    on_help = person.get("on_help", "")
    if "stops_at" in person:
        response = answer_draft(clinic, answers, until=person["stops_at"], on_help=on_help)
    else:
        response = fill_in(clinic, answers, changes=person.get("changes"), on_help=on_help)
    for step in person.get("review", []):
        take_step(Case.objects.get(response=response).id, staff[step["who"]], step)
    return response


def take_step(case_id: uuid.UUID, user: User, step: Step) -> None:
    """Does one step of a review as `user`, who must be allowed to do it."""
    act, permission = _STEPS[step["does"]]
    case = _reread(case_id)
    if not user.may(permission, case.clinic_id):
        raise StepRefused(f"{user.email} may not do '{step['does']}' ({permission})")
    act(case, user, step)


def _reread(case_id: uuid.UUID) -> Case:
    return Case.objects.with_record().get(pk=case_id)


def _take(case: Case, user: User, _step: Step) -> None:
    claim_case(case.id, user=user)


def _hand_back(case: Case, user: User, _step: Step) -> None:
    release_case(case.id, user=user)


def _check_identity(case: Case, user: User, _step: Step) -> None:
    _record(case, user, ObservationKind.IDENTITY, {"identity_verified": "yes"}, "Showed a made-up driver's license.")


def _measure_blood_pressure(case: Case, user: User, step: Step) -> None:
    facts = {f"{part}_mmhg": float(step[part]) for part in ("systolic", "diastolic")}
    _record(case, user, ObservationKind.BLOOD_PRESSURE, facts, "Left arm, seated, after five minutes of rest.")


def _record(case: Case, user: User, kind: ObservationKind, facts: Mapping[str, str | float], note: str) -> None:
    record_observation(case.id, user=user, kind=kind, facts=facts, note=note, observed_on=case.response.clinic.today())


def _close(case: Case, user: User, step: Step) -> None:
    """Closes the flag that the step names, else every flag that stands in the way of signing."""
    reason, words = ReasonCode(step["reason"]), step["words"]
    waiting = [flag for flag in build_case_page(case).flags if flag.blocks_signing and not flag.closed]
    named = [flag for flag in waiting if step.get("flag", flag.issue.rule_id) == flag.issue.rule_id]
    if not named:
        raise StepRefused(f"no flag to close: {step.get('flag', 'none is open')}")
    for flag in named:
        close_flag(case.id, flag.issue.id, user=user, reason=reason, words=words)


def _sign(case: Case, user: User, step: Step) -> None:
    shown = build_case_page(case).shown_sha256
    sign_decision(case.id, user=user, outcome=Outcome(step["outcome"]), words=step["words"], shown_sha256=shown)


_STEPS: dict[str, tuple[Callable[[Case, User, Step], None], str]] = {
    "take": (_take, "case.claim"),
    "hand-back": (_hand_back, "case.claim"),
    "check-identity": (_check_identity, "observation.identity"),
    "measure-blood-pressure": (_measure_blood_pressure, "observation.reading"),
    "close": (_close, "flag.close"),
    "sign": (_sign, "decision.sign"),
}
