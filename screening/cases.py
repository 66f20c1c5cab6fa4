"""What happens to a case when the patient acts: an emergency on an unfinished intake, and the submission."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db import models
from django.utils import timezone

from clinic_site.audit.models import Actor
from clinic_site.audit.services import audit_event, record
from clinic_site.messaging.models import OutboxMessage
from clinic_site.records.composed import Composed, Given, insert
from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse
from intake.questionnaires import Page, Questionnaire
from screening.assessments import Run, assessment_rows, measurements_of, screen_or_flag, screen_response
from screening.engine import Status, bind, evaluate_rule, flag_failure
from screening.messages import assessment_error_message, new_case_message, urgent_message
from screening.models import Case, CaseEvent, CaseStatus, EventKind, Stage
from screening.published import current_rule_set
from screening.rules import RuleSet, severity
from screening.vocabulary import link_ids_of

_CASE_OF = Composed(Case.objects.select_for_update().filter(response=Given("response")))


def emergency_rules_on_page(
    response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument, page: Page
) -> list[str]:
    """Runs the emergency rules over a draft and returns those that this page had a part in.

    The first time a rule fires, the unfinished intake becomes a case at the top of the queue and staff are called.
    """
    what = f"draft {response.reference}"
    checked = flag_failure(lambda: (_draft_run(response, questionnaire, document, page),), what)
    if checked is None:
        _call_operator(response)
        return []
    if checked[0] is None:
        return []
    run, involved = checked[0]
    _open_urgent_case(response, document, run, involved)
    asked_here = {item.link_id for item in page.questions}
    return [rule for rule, link_ids in involved.items() if asked_here & link_ids]


def _call_operator(response: QuestionnaireResponse) -> None:
    """Tells the operator that drafts go unscreened. Once, until that is sent: every page would say it."""
    message = assessment_error_message(response)
    if not OutboxMessage.objects.filter(purpose=message.purpose, recipient=message.recipient, sent_at=None).exists():
        message.save(force_insert=True)


def _draft_run(
    response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument, page: Page
) -> tuple[Run, dict[str, set[str]]] | None:
    """The emergencies of a draft and the questions behind each.

    None when there is none, or when the page asks nothing they read.
    """
    version_id, rules = current_rule_set()
    sources = _emergency_questions(rules, questionnaire)
    if not any({item.link_id for item in page.questions} & set(link_ids) for link_ids in sources.values()):
        return None
    saved = {fact for fact, link_ids in sources.items() if any(document.get(link_id) for link_id in link_ids)}
    run = screen_response(response, questionnaire, document, rule_set=(version_id, rules), saved=saved)
    if not run.result.issues:
        return None
    asked_here = {item.link_id for item in page.questions}
    involved = {}
    for issue in run.result.issues:
        here = {fact for fact in sources if asked_here & set(sources[fact])}
        facts = {*issue.caused_by, *issue.settled_by, *(here if _fires_by(rules, issue.rule, run, here) else ())}
        involved[issue.rule] = {link_id for fact in facts for link_id in sources[fact]}
    return run, involved


def _fires_by(rules: RuleSet, rule_id: str, run: Run, names: set[str]) -> bool:
    """Whether these facts alone raise the rule: a second yes is as much an alarm as the first, which is its cause."""
    rule = rules.by_id[rule_id]
    facts = {
        name: run.facts.values[name] for name in rule.reads(rules.constants) if name in names & run.facts.values.keys()
    }
    outcome = evaluate_rule(rule, bind(rules, facts), facts)
    return outcome.status is Status.FIRED and not outcome.worst_case_assumed


@lru_cache(maxsize=8)
def _emergency_questions(rules: RuleSet, questionnaire: Questionnaire) -> dict[str, tuple[str, ...]]:
    """For every fact that an emergency rule reads, the questions that give it."""
    facts = {n for r in rules.rules if r.bands and r.bands[0].tier == "emergency" for n in r.reads(rules.constants)}
    return {fact: link_ids_of(fact, questionnaire) for fact in facts}


def _open_urgent_case(
    response: QuestionnaireResponse, document: AnswerDocument, run: Run, involved: Mapping[str, set[str]]
) -> None:
    """Puts the case on top and calls staff, unless they were called for just this: the same rules and answers."""
    fired = list(involved)
    case = _CASE_OF.first(response=response.pk)
    if case is not None and set(fired) <= set(case.rule_ids):
        last = case.assessments.filter(stage=Stage.DRAFT).order_by("-id").first()
        called_at = last.assessed_at.isoformat() if last else ""
        changes = (change for ids in involved.values() for link_id in ids for change in document.changes(link_id))
        if all(change.superseded_at <= called_at for change in changes):
            return
    is_new = case is None
    if case is None:
        case = Case(
            clinic_id=response.clinic_id,
            response=response,
            reference=response.reference,
            status=CaseStatus.UNFINISHED,
            severity=0,
            opened_at=run.at,
        )
    case.response = response
    if not case.is_open:
        # An alarm after the decision: the case is open again, and the decision stays as it was signed.
        case.status, case.closed_at = CaseStatus.IN_REVIEW if case.owner_id else CaseStatus.WAITING, None
    case.severity = max(case.severity, severity(run.result.highest_tier))
    case.rule_ids = sorted({*case.rule_ids, *fired})
    case.save(force_insert=is_new)
    rows = rows_of_run(case, run, stage=Stage.DRAFT, event=EventKind.OPENED if is_new else EventKind.ASSESSED)
    insert([*rows, urgent_message(case)])
    record([audit_event("case.emergency", clinic_id=case.clinic_id, entity=case, rules=fired)])


def open_case(response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument) -> Case:
    """Screens a submitted response and puts its case in the queue. Part of the submit transaction."""
    case = _CASE_OF.first(response=response.pk)
    is_new = case is None
    if case is None:
        now = response.submitted_at or timezone.now()
        case = Case(clinic_id=response.clinic_id, response=response, reference=response.reference, opened_at=now)
    case.response = response
    measurements = iter(()) if is_new else measurements_of(case, list(case.observations.all()))
    run = screen_or_flag(response, questionnaire, document, measurements=measurements)
    case.status = CaseStatus.IN_REVIEW if case.owner_id else CaseStatus.WAITING
    case.submitted_at = response.submitted_at
    reported = set(case.rule_ids)
    # An emergency that was reported keeps its place even when the answer was changed before sending.
    apply_result(case, run, keep_severity=not is_new)
    messages = [new_case_message(case)]
    if any(issue.tier == "emergency" and issue.rule not in reported for issue in run.result.issues):
        messages.append(urgent_message(case))
    if not is_new:
        case.save()
    rows = rows_of_run(case, run, stage=Stage.SUBMITTED, event=EventKind.SUBMITTED)
    insert([*([case] if is_new else []), *rows, *messages])
    detail: dict[str, Any] = {"rules": case.rule_ids, "rule_set": run.result.rule_set[2]}
    submitted = audit_event(
        "response.submitted", clinic_id=case.clinic_id, entity=response, actor=Actor.PATIENT, **detail
    )
    record([submitted])
    return case


def apply_result(case: Case, run: Run, *, keep_severity: bool = False) -> None:
    """Copies what the queue sorts on from a run to the case."""
    newest = severity(run.result.highest_tier)
    case.severity = max(case.severity, newest) if keep_severity else newest
    case.rule_ids = sorted({*(case.rule_ids if keep_severity else []), *(issue.rule for issue in run.result.issues)})
    case.holds = sum(issue.hold for issue in run.result.issues)


def rows_of_run(case: Case, run: Run, *, stage: Stage, event: EventKind = EventKind.ASSESSED) -> list[models.Model]:
    """What a run adds: the assessment, its flags and the step of the timeline that led to it."""
    assessment, issues = assessment_rows(case, run, stage=stage)
    failed = any(issue.status == Status.ERROR.value for issue in run.result.issues)
    listed = f"{len(issues)} flags listed"
    return [
        assessment,
        *issues,
        CaseEvent(clinic_id=case.clinic_id, case=case, kind=event, at=run.at, detail=listed),
        *([assessment_error_message(case.response)] if failed else []),
    ]
