"""Running the rules over a response and keeping what came out."""

import datetime
import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from django.utils import timezone

from clinic_site.encryption.cipher import blind_index
from clinic_site.publishing.documents import canonical_form
from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse
from intake.questionnaires import Questionnaire
from screening.engine import ENGINE, FAILED, Issue, Result, Status, assess, assess_draft, flag_failure
from screening.facts import Facts, Measurement, facts_from_response
from screening.models import Assessment, Case, DetectedIssue, Observation, Stage
from screening.published import current_rule_set
from screening.rules import RuleSet
from screening.second_check import MANUAL_REVIEW, not_cleared
from screening.vocabulary import link_ids_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run: the facts the rules saw and what they said.

    `answered_at`: when the answers behind it were given. `recorded`: facts that staff measured. `saved`: of a draft,
    the facts whose page had been saved.
    """

    rule_set_id: uuid.UUID | None
    facts: Facts
    result: Result
    at: datetime.datetime
    on: datetime.date
    answered_at: Mapping[str, str] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    saved: frozenset[str] = frozenset()


def facts_of(
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    rules: RuleSet,
    *,
    measurements: Iterable[Measurement] = (),
) -> Facts:
    """The facts as of the submission, or of now while it is a draft; only the age of readings counts to today."""
    as_of = response.submitted_at or timezone.now()
    return facts_from_response(
        questionnaire,
        document,
        lexicon=rules.lexicon,
        now=as_of,
        today=response.clinic.date_of(as_of),
        licensed_states=response.clinic.licensed_states,
        measurements=measurements,
        readings_on=response.clinic.today(),
    )


def screen_response(
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    *,
    rule_set: tuple[uuid.UUID, RuleSet],
    measurements: Iterable[Measurement] = (),
    saved: set[str] | None = None,
) -> Run:
    """Facts and flags of a response.

    `saved` (facts whose page has been saved) makes it a draft: emergency bands only.
    """
    version_id, rules = rule_set
    measured = list(measurements)
    facts = facts_of(response, questionnaire, document, rules, measurements=measured)
    recorded = frozenset(measurement.fact for measurement in measured)
    if saved is None:
        result = looked_at_twice(assess(rules, facts.values), questionnaire, document, rules, recorded=recorded)
    else:
        result = assess_draft(rules, facts.values, saved=saved)
    causes = {fact for issue in result.issues for fact in issue.caused_by}
    answered_at = {fact: _answered_at(fact, questionnaire, document) for fact in sorted(causes)}
    on = response.clinic.date_of(response.submitted_at or timezone.now())
    return Run(version_id, facts, result, timezone.now(), on, answered_at, recorded, frozenset(saved or ()))


def looked_at_twice(
    result: Result,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    rules: RuleSet,
    *,
    recorded: Collection[str] = (),
) -> Result:
    """The result, or a call for manual review when it is empty and the second check is not convinced."""
    # A reading that staff took is of that day, and says whether there is anything to ask about it.
    settled = {*recorded, *(["bp_reading_age_days", "bp_symptoms_now"] if "systolic_mmhg" in recorded else [])}
    names = not_cleared(questionnaire, document, rules, result.issues, recorded=settled)
    if not names:
        return result
    log.error("Nothing was flagged, and nothing clears: %s", ", ".join(names))
    review = Issue(MANUAL_REVIEW, "absolute", Status.ERROR.value, True, False, names, (), ())
    return replace(result, issues=(review, *result.issues))


def _answered_at(fact: str, questionnaire: Questionnaire, document: AnswerDocument) -> str:
    given = (document.get(link_id) for link_id in link_ids_of(fact, questionnaire))
    return " ".join(answer.at for answer in given if answer is not None)


def screen_or_flag(
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    *,
    rule_set: tuple[uuid.UUID, RuleSet] | None = None,
    measurements: Iterable[Measurement] = (),
) -> Run:
    """A run of the given rule set, or of the current one. When it fails as a whole, its one flag says so."""

    def run() -> Run:
        rules = rule_set or current_rule_set()
        return screen_response(response, questionnaire, document, rule_set=rules, measurements=measurements)

    failed = Run(None, Facts(), Result(("", "", ""), (FAILED,)), timezone.now(), response.clinic.today())
    return flag_failure(run, f"response {response.reference}") or failed


def result_hash(result: Result) -> str:
    return sha256(canonical_form(result.to_json()).encode()).hexdigest()


def assessment_rows(case: Case, run: Run, *, stage: Stage) -> tuple[Assessment, list[DetectedIssue]]:
    """Unsaved rows of a run: the assessment and one flag for each issue."""
    assessment = Assessment(
        clinic_id=case.clinic_id,
        case=case,
        rule_set_id=run.rule_set_id,
        stage=stage,
        engine=ENGINE,
        result_sha256=result_hash(run.result),
        highest_tier=run.result.highest_tier,
        assessed_at=run.at,
        assessed_on=run.on,
    )
    issues = [
        DetectedIssue(
            clinic_id=case.clinic_id,
            case=case,
            assessment=assessment,
            rule_id=issue.rule,
            tier=issue.tier,
            status=issue.status,
            hold=issue.hold,
            worst_case_assumed=issue.worst_case_assumed,
            caused_by=list(issue.caused_by),
            settled_by=[name for name in issue.settled_by if name not in issue.caused_by],
            position=position,
            fingerprint=_fingerprint(case, run, issue.rule, issue.tier, issue.status, issue.caused_by),
        )
        for position, issue in enumerate(run.result.issues)
    ]
    seal_facts(assessment, issues, _facts_to_keep(run, stage), response=case.response)
    return assessment, issues


def seal_facts(
    assessment: Assessment, issues: Iterable[DetectedIssue], kept: Mapping[str, Any], *, response: QuestionnaireResponse
) -> None:
    """Seals the facts together with a digest of the rows, so that no column can be altered unseen."""
    sealed = {**kept, "rows": rows_digest(assessment, issues)}
    assessment.facts = response.data_key.seal(sealed, row=assessment, label="assessment.facts")


def rows_digest(assessment: Assessment, issues: Iterable[DetectedIssue]) -> str:
    """The first 16 bytes, in hex, of the SHA-256 of what stands in the columns of an assessment and its flags."""
    rows = [
        [
            str(getattr(row, field.attname))
            for field in row._meta.concrete_fields
            if field.name not in ("facts", "fingerprint")
        ]
        for row in (assessment, *issues)
    ]
    fingerprints = [bytes(issue.fingerprint).hex() for issue in issues]
    return sha256(canonical_form([rows, fingerprints]).encode()).hexdigest()[:32]


def _facts_to_keep(run: Run, stage: Stage) -> dict[str, Any]:
    """The facts of a run, as JSON holds them ("never" is infinity), so that it can be run again.

    Without what the rule set derives, and, once the answers are frozen, without what they say as they stand.
    """
    facts, frozen = run.facts, stage == Stage.SUBMITTED
    told = facts.told if frozen else frozenset()
    values = {name: value for name, value in facts.values.items() if name not in facts.derived | told}
    return {
        "values": {name: "never" if value == float("inf") else value for name, value in values.items()},
        "states": {name: state for name, state in facts.states.items() if name not in told},
        **({"recorded": sorted(run.recorded)} if frozen else {"lists": dict(facts.lists), "saved": sorted(run.saved)}),
    }


def _fingerprint(case: Case, run: Run, rule: str, tier: str, status: str, caused_by: tuple[str, ...]) -> bytes:
    """Keyed, because the values behind a flag could otherwise be guessed from it."""
    # Numbers that only count days move by themselves; the flag is the same finding as long as its tier is.
    values = {n: "counted" if "since" in n or n.endswith("age_days") else run.facts.values.get(n) for n in caused_by}
    # An answer given anew is a new finding: a flag that was closed on the earlier one does not stay closed.
    given = [run.answered_at.get(name, "") for name in caused_by]
    what = canonical_form([values, given])
    return blind_index("issue.fingerprint", case.clinic_id, str(case.id), rule, tier, status, what)


def measurements_of(case: Case, observations: Iterable[Observation]) -> Iterator[Measurement]:
    """What staff recorded, as facts that stand over the answers.

    Opened one by one where they are used: one that does not open fails the run, which is a flag, not the submission.
    """
    for observation in observations:
        values = case.response.data_key.unseal(observation.values, row=observation, label="observation.values")
        yield from (Measurement(name, value, observation.observed_on) for name, value in values["facts"].items())
