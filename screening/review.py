"""What staff do with a case, each in one transaction.

Take it, record a check or a reading, close a flag, sign a decision.
"""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.messaging.models import OutboxMessage
from clinic_site.records.composed import insert
from intake.published import questionnaire_of
from screening.assessments import measurements_of, screen_or_flag
from screening.case_page import CasePage, build_case_page
from screening.cases import apply_result, rows_of_run
from screening.messages import handed_back_message
from screening.models import (
    Case,
    CaseEvent,
    CaseStatus,
    Decision,
    Disposition,
    EventKind,
    HandBackReason,
    Observation,
    ObservationKind,
    Outcome,
    ReasonCode,
    Stage,
)
from screening.relation import may_read


class Refused(Exception):
    """What was asked can not be done now; the sentence says why and what to do."""


class AlreadyClaimed(Refused):
    """Somebody else has the case."""


class ScreenChanged(Refused):
    """The case is no longer what was on the screen when the form was sent."""


def _locked(case_id: uuid.UUID) -> Case:
    # Locked first, read after: a statement that waits for the lock brings the joined rows of before the wait, such as
    # no owner beside the owner's key, and an assessment that is no longer the newest.
    Case.objects.select_for_update().only("id").get(pk=case_id)
    return Case.objects.with_record().get(pk=case_id)


def _locked_for(case_id: uuid.UUID, user: User) -> Case:
    """The case for somebody who may see it. A refusal tells others nothing about its flags or its decision.

    The front desk, which reads no case at all, records what it checked in every one.
    """
    Case.objects.select_for_update().only("id").get(pk=case_id)
    case = Case.objects.with_record().with_relation_to(user.id).get(pk=case_id)
    if user.may("case.read", case.clinic_id) and not may_read(case, user):
        raise Refused("This case is not yours. Open it with a reason first.")
    return case


def _event(case: Case, kind: EventKind, user: User, detail: str = "", decision: Decision | None = None) -> CaseEvent:
    return CaseEvent(
        clinic_id=case.clinic_id, case=case, kind=kind, at=timezone.now(), by=user, detail=detail, decision=decision
    )


def _finish(case: Case, event: CaseEvent, action: str, user: User, **detail: Any) -> None:
    """Appends the step to the timeline and to the audit trail."""
    event.save(force_insert=True)
    record([audit_event(action, clinic_id=case.clinic_id, entity=case, user=user, **detail)])


@transaction.atomic
def claim_case(case_id: uuid.UUID, *, user: User) -> Case:
    """Makes `user` the owner.

    Of several who try at once, one wins; the others get AlreadyClaimed with the owner's name.
    """
    case = _locked(case_id)
    if case.owner_id == user.id:
        return case
    if case.owner is not None:
        raise AlreadyClaimed(f"{case.owner.name} has this case already.")
    if not case.is_open:
        raise Refused("This case is decided.")
    case.owner = user
    if case.status == CaseStatus.WAITING:
        case.status = CaseStatus.IN_REVIEW
    case.save(update_fields=["owner", "status"])
    _finish(case, _event(case, EventKind.CLAIMED, user), "case.claimed", user)
    return case


@transaction.atomic
def release_case(case_id: uuid.UUID, *, user: User) -> Case:
    """Hands the case back to the queue. Only its owner can."""
    case = _locked(case_id)
    if case.owner_id != user.id:
        raise Refused("You do not have this case.")
    _put_into_queue(case)
    _finish(case, _event(case, EventKind.RELEASED, user), "case.released", user)
    return case


@transaction.atomic
def release_case_of_other(case_id: uuid.UUID, *, user: User, owner_id: uuid.UUID, reason: HandBackReason) -> Case:
    """Hands back an open case for the owner that was on the screen, and tells them.

    Raises Refused when the case is decided or has another owner by now.
    """
    case = _locked_for(case_id, user)
    if not case.is_open:
        raise Refused("This case is decided.")
    if case.owner is None or case.owner_id != owner_id:
        raise ScreenChanged("This case has another owner, or none, since you opened the page.")
    owner, why = case.owner, HandBackReason(reason)
    _put_into_queue(case)
    event = _event(case, EventKind.RELEASED, user, why.label)
    _finish(case, event, "case.released-by-other", user, owner=str(owner.id), because=why.value)
    if owner.is_active:
        OutboxMessage.objects.bulk_create([handed_back_message(case, by=user, owner=owner)])
    return case


def _put_into_queue(case: Case) -> None:
    case.owner = None
    if case.status == CaseStatus.IN_REVIEW:
        case.status = CaseStatus.WAITING
    case.save(update_fields=["owner", "status"])


@transaction.atomic
def record_observation(
    case_id: uuid.UUID,
    *,
    user: User,
    kind: ObservationKind,
    facts: Mapping[str, str | float],
    note: str,
    observed_on: datetime.date,
) -> Observation:
    """Keeps what staff checked or measured and runs the rules again, so that a hold it settles is gone."""
    case = _locked_for(case_id, user)
    if not case.is_open:
        raise Refused("This case is decided. Record this in a new case.")
    observation = Observation(
        clinic_id=case.clinic_id,
        case=case,
        kind=kind,
        observed_on=observed_on,
        recorded_by=user,
        recorded_at=timezone.now(),
    )
    values = {"facts": dict(facts), "note": note}
    observation.values = case.response.data_key.seal(values, row=observation, label="observation.values")
    observation.save(force_insert=True)
    event = _event(case, EventKind.OBSERVED, user, ObservationKind(kind).label)
    _finish(case, event, "case.observation-recorded", user, kind=kind, facts=sorted(facts))
    if case.status != CaseStatus.UNFINISHED:
        reassess(case)
    return observation


def reassess(case: Case) -> None:
    """Runs the current rules again over the frozen answers and everything staff recorded."""
    response = case.response
    measurements = measurements_of(case, list(case.observations.all()))
    run = screen_or_flag(response, questionnaire_of(response), response.document(), measurements=measurements)
    had_emergency_draft = case.assessments.filter(stage=Stage.DRAFT).exists()
    apply_result(case, run, keep_severity=had_emergency_draft)
    case.save(update_fields=["severity", "rule_ids", "holds"])
    insert(rows_of_run(case, run, stage=Stage.SUBMITTED))


@transaction.atomic
def close_flag(case_id: uuid.UUID, issue_id: uuid.UUID, *, user: User, reason: ReasonCode, words: str) -> Disposition:
    """Closes one flag with a reason and words. The first close needs the case; an ABSOLUTE flag also needs a second
    clinician's.

    Raises Refused when the flag is not open to this user.
    """
    case = _locked_for(case_id, user)
    if not case.is_open:
        raise Refused("This case is decided.")
    page = build_case_page(case)
    flag = next((flag for flag in page.flags if flag.issue.id == issue_id), None)
    if flag is None:
        raise ScreenChanged("This flag has changed since you opened the page, because the rules ran again.")
    if flag.closed:
        raise ScreenChanged("This flag was closed by somebody else.")
    if any(disposition.by_id == user.id for disposition in flag.dispositions):
        raise Refused("You closed this flag already. A second clinician must agree.")
    if not flag.dispositions and case.owner_id != user.id:
        raise Refused("Take the case first: only its owner closes flags.")
    disposition = Disposition(
        clinic_id=case.clinic_id,
        case=case,
        issue=flag.issue,
        fingerprint=flag.issue.fingerprint,
        reason=reason,
        by=user,
        at=timezone.now(),
    )
    disposition.words = case.response.data_key.seal(words, row=disposition, label="disposition.words")
    disposition.save(force_insert=True)
    event = _event(case, EventKind.FLAG_CLOSED, user, f"{flag.issue.rule_id}: {ReasonCode(reason).label}")
    _finish(case, event, "case.flag-closed", user, rule=flag.issue.rule_id, reason=reason)
    return disposition


@transaction.atomic
def sign_decision(case_id: uuid.UUID, *, user: User, outcome: Outcome, words: str, shown_sha256: str) -> Decision:
    """Appends a signed decision bound to what was on the screen.

    Raises ScreenChanged when that is no longer so, Refused while something stands open.
    """
    case = _locked_for(case_id, user)
    page = build_case_page(case)
    if not case.is_open:
        signed = page.decisions[-1].decision
        raise ScreenChanged(f"{signed.signed_by.name} signed “{Outcome(signed.outcome).label}” already.")
    if case.owner_id != user.id:
        raise Refused("Take the case first: only its owner signs.")
    if page.shown_sha256 != shown_sha256:
        raise ScreenChanged("The case has changed since you opened this page. Look at it once more before you sign.")
    # The rules run once more whatever the date, because nothing may be signed that they would not list again.
    blockers = signing_blockers(case, page) or _out_of_date(case, page)
    if blockers or page.assessment_id is None:
        raise Refused(blockers[0] if blockers else "The rules have not run for this case.")
    decision = Decision(
        clinic_id=case.clinic_id,
        case=case,
        assessment_id=page.assessment_id,
        outcome=outcome,
        shown_sha256=page.shown_sha256,
        signed_by=user,
        signed_at=timezone.now(),
    )
    decision.words = case.response.data_key.seal(words, row=decision, label="decision.words")
    decision.save(force_insert=True)
    if outcome == Outcome.MORE_INFORMATION:
        case.status = CaseStatus.MORE_INFORMATION
    else:
        case.status, case.closed_at = CaseStatus.DECIDED, decision.signed_at
    case.save(update_fields=["status", "closed_at"])
    event = _event(case, EventKind.DECIDED, user, Outcome(outcome).label, decision)
    _finish(case, event, "case.decision-signed", user, outcome=outcome, shown_sha256=page.shown_sha256)
    return decision


def signing_blockers(case: Case, page: CasePage) -> list[str]:
    """Why nothing can be signed now, as sentences; empty when it can."""
    if case.status == CaseStatus.UNFINISHED:
        return ["The patient has not sent this intake yet."]
    if page.lost:
        return ["A part of this record can not be shown, so nothing can be signed. The operator has been told."]
    blockers = [
        f"Close the flag “{flag.title}” first." for flag in page.flags if flag.blocks_signing and not flag.closed
    ]
    return blockers + (_out_of_date(case, page) if _ran_on_an_earlier_day(case) else [])


def _ran_on_an_earlier_day(case: Case) -> bool:
    """Whether a reading can have grown old since the rules ran: its age, in days, is all that counts to today."""
    ran_at, clinic = case.newest_assessed_at, case.response.clinic
    return ran_at is None or clinic.date_of(ran_at) != clinic.today()


def _out_of_date(case: Case, page: CasePage) -> list[str]:
    """Sentences for what has become a finding since the rules ran, because a reading has grown old."""
    run = screen_or_flag(
        case.response, page.questionnaire, page.document, rule_set=page.rule_set, measurements=page.measurements
    )
    known = {(flag.issue.rule_id, flag.issue.status, tuple(flag.issue.caused_by)) for flag in page.flags}
    new = [i for i in run.result.issues if i.blocks_signing and (i.rule, i.status, i.caused_by) not in known]
    return ["A reading has gone out of date. Record a new one, and the rules will run again."] if new else []
