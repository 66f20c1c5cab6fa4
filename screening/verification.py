"""Every stored assessment run again: same versions, same facts, same bytes, or it is named."""

import datetime
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from clinic_site.encryption.cipher import CannotOpen
from intake.published import NothingPublished, questionnaire_of
from screening.assessments import looked_at_twice, result_hash, rows_digest
from screening.engine import FAILED, Result, assess, assess_draft
from screening.facts import Facts, derive, facts_from_response
from screening.models import Assessment, DetectedIssue, Stage
from screening.published import NoRuleSet, rule_set_version

_NEVER_BEFORE = uuid.UUID(int=0)


@dataclass(frozen=True)
class Verified:
    """One assessment that was run again. `problem` is empty when everything is equal."""

    assessment_id: uuid.UUID
    reference: str
    problem: str


def verified(*, after: uuid.UUID | None = None, batch: int = 500) -> Iterator[Verified]:
    """Every assessment after the given one, in the order of their ids, read in batches."""
    last = after or _NEVER_BEFORE
    related = ("case__response__clinic", "case__response__data_key")
    while page := list(Assessment.objects.select_related(*related).filter(id__gt=last).order_by("id")[:batch]):
        last = page[-1].id
        rows = DetectedIssue.objects.filter(assessment__in=page).order_by("assessment_id", "position")
        issues = {key: list(own) for key, own in groupby(rows, key=lambda row: row.assessment_id)}
        for assessment in page:
            problem = _problem(assessment, issues.get(assessment.id, []))
            yield Verified(assessment.id, assessment.case.reference, problem)


def _problem(assessment: Assessment, issues: list[DetectedIssue]) -> str:
    """Why a stored assessment is not what its inputs give, or nothing."""
    response = assessment.case.response
    try:
        kept = response.data_key.unseal(assessment.facts, row=assessment, label="assessment.facts")
        result = _run_again(assessment, kept)
    except CannotOpen:
        return "its facts or the answers behind them were altered"
    except (NothingPublished, NoRuleSet) as error:
        return str(error)
    if kept["rows"] != rows_digest(assessment, issues):
        return "a column of it or of its flags was altered"
    if result_hash(result) != assessment.result_sha256:
        return "the rules give another result now"
    return ""


def _run_again(assessment: Assessment, kept: dict[str, Any]) -> Result:
    if assessment.rule_set_id is None:
        return Result(("", "", ""), (FAILED,))
    response, rules = assessment.case.response, rule_set_version(assessment.rule_set_id)
    values = {name: math.inf if value == "never" else value for name, value in kept["values"].items()}
    if assessment.stage == Stage.DRAFT:
        lists = {name: tuple(lines) for name, lines in kept["lists"].items()}
        facts = derive(Facts(values, kept["states"], lists), rules.lexicon)
        return assess_draft(rules, facts.values, saved=set(kept["saved"]))
    questionnaire, document = questionnaire_of(response), response.document()
    told = facts_from_response(
        questionnaire,
        document,
        lexicon=rules.lexicon,
        now=response.submitted_at or datetime.datetime.max.replace(tzinfo=datetime.UTC),
        today=assessment.assessed_on,
        licensed_states=(),
    )
    answered = {n: v for n, v in told.values.items() if n in told.told and n not in kept["states"]}
    states = {n: s for n, s in told.states.items() if n in told.told and n not in values} | kept["states"]
    facts = derive(Facts({**answered, **values}, states, told.lists), rules.lexicon)
    result = assess(rules, facts.values)
    return looked_at_twice(result, questionnaire, document, rules, recorded=set(kept["recorded"]))
