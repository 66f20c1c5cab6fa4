"""Everything a clinician sees of one case, gathered once.

For the page, and for the hash that a signature is bound to.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from django.db.models import CharField, Q

from clinic_site.accounts.models import User
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.publishing.documents import canonical_form
from clinic_site.records.composed import Composed, ComposedWithin, Given
from intake.answers import Answer, AnswerDocument
from intake.branching import what_is_asked
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.questionnaires import Questionnaire, Section
from intake.scores import score_value
from intake.services import HELP_REPLY
from intake.truth import Truth
from screening.assessments import measurements_of
from screening.facts import Measurement
from screening.models import (
    Case,
    CaseEvent,
    Decision,
    DetectedIssue,
    Disposition,
    Observation,
    Stage,
)
from screening.opening import CANNOT_SHOW, Opener
from screening.published import rule_set_version
from screening.rules import Rule, RuleSet, severity
from screening.second_check import MANUAL_REVIEW
from screening.vocabulary import link_ids_of

_NEEDS_TWO = "absolute"
CANNOT_SHOW_STATE = "cannot_show"
_LOST_OBSERVATION = {"facts": {}, "note": CANNOT_SHOW}


_RECORD = ComposedWithin(
    Case.objects.filter(reference=Given("reference", CharField())).with_record().with_relation_to(Given("user")), most=1
)
_CASE = Given("case")
# By way of the assessments: the flags of one assessment are what their index finds.
_ISSUES = Composed(
    DetectedIssue.objects.filter(Q(assessment__stage=Stage.DRAFT) | Q(assessment_id=Given("newest")))
    .filter(assessment__case_id=_CASE)
    .select_related("assessment")
    .defer("assessment__facts")
    .order_by("-assessment_id", "position")
)
_DISPOSITIONS = Composed(Disposition.objects.filter(case_id=_CASE).select_related("by").order_by("id"))
_OBSERVATIONS = Composed(Observation.objects.filter(case_id=_CASE).select_related("recorded_by").order_by("id"))
_EVENTS = Composed(
    CaseEvent.objects.filter(case_id=_CASE)
    .select_related("by", "decision", "decision__signed_by", "break_glass")
    .order_by("id")
)


def case_for(user: User, permission: str, reference: str) -> Case | None:
    """The case with its record and its relation to the user, within the clinics in which they hold `permission`."""
    found = _RECORD.rows(user.clinics_with(permission), reference=reference, user=user.id)
    return found[0] if found else None


class Row(NamedTuple):
    """One question on the answers side: what was asked, what was said, and what it was before."""

    link_id: str
    question: str
    shown: str
    state: str
    entered_by: str
    at: str
    changes: Sequence[Answer]
    flags: Sequence["Flag"]


@dataclass
class Flag:
    """One flag with what became of it. `from_draft`: it fired before the answers were sent, and does not any more."""

    issue: DetectedIssue
    rule: Rule | None
    rule_set: RuleSet | None
    causes: tuple[str, ...]
    settled_by: tuple[str, ...]
    from_draft: bool
    dispositions: list[Disposition] = field(default_factory=list)
    words: dict[uuid.UUID, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        if self.rule:
            return self.rule.title["en"]
        return "Not cleared by any answer" if self.issue.rule_id == MANUAL_REVIEW else "The rules could not be run"

    @property
    def blocks_signing(self) -> bool:
        return self.issue.blocks_signing

    def answer_then(self, document: AnswerDocument, link_id: str) -> Answer | None:
        """The answer that a flag of the draft was raised by, when the person changed it afterwards."""
        then = self.issue.assessment.assessed_at.isoformat()
        earlier = (answer for answer in document.changes(link_id) if answer.at <= then < answer.superseded_at)
        return next(earlier, None) if self.from_draft else None

    @property
    def needs_second(self) -> bool:
        return self.issue.tier == _NEEDS_TWO and len({d.by_id for d in self.dispositions}) == 1

    @property
    def closed(self) -> bool:
        return len({d.by_id for d in self.dispositions}) >= (2 if self.issue.tier == _NEEDS_TWO else 1)


@dataclass(frozen=True)
class ShownScore:
    """A published scale that was asked. `value` is None while an answer is missing; `band` is its published name."""

    title: str
    value: float | None
    band: str


@dataclass(frozen=True)
class Signed:
    decision: Decision
    words: str


@dataclass(frozen=True)
class Recorded:
    observation: Observation
    facts: dict[str, Any]
    note: str


@dataclass(frozen=True)
class CasePage:
    case_id: uuid.UUID
    questionnaire: Questionnaire
    document: AnswerDocument
    assessment_id: uuid.UUID | None
    rule_set: tuple[uuid.UUID, RuleSet] | None
    flags: tuple[Flag, ...]
    sections: tuple[tuple[Section, tuple[Row, ...]], ...]
    scores: tuple[ShownScore, ...]
    observations: tuple[Recorded, ...]
    measurements: tuple[Measurement, ...]
    events: tuple[CaseEvent, ...]
    decisions: tuple[Signed, ...]
    help_replies: tuple[Answer, ...]
    lost: tuple[CannotOpen, ...] = ()
    answers_are_lost: bool = False

    @property
    def shown_sha256(self) -> str:
        """The hash of what the screen says about this case.

        Answers, flags with how they were closed, staff records, earlier decisions.
        """
        content = {
            # Two people may have answered alike: what is signed for one must not do for the other.
            "case": str(self.case_id),
            "answers": [
                [row.link_id, row.question, row.shown, row.state] for _s, rows in self.sections for row in rows
            ],
            "flags": [
                [
                    str(f.issue.id),
                    f.issue.rule_id,
                    f.issue.tier,
                    f.issue.status,
                    f.issue.hold,
                    f.issue.worst_case_assumed,
                ]
                + [[d.reason, str(d.by_id), f.words[d.id]] for d in f.dispositions]
                for f in self.flags
            ],
            "observations": [
                [r.observation.kind, str(r.observation.observed_on), r.facts, r.note] for r in self.observations
            ],
            "decisions": [[s.decision.outcome, str(s.decision.signed_by_id), s.words] for s in self.decisions],
        }
        return sha256(canonical_form(content).encode()).hexdigest()


def build_case_page(case: Case) -> CasePage:
    """Reads the case in two to four statements. `case` comes from `case_for` or `with_record()`."""
    response = case.response
    opener = Opener(response)
    questionnaire, document = questionnaire_of(response), opener.document()
    asked = what_is_asked(questionnaire, document)
    flags = _flags(case, questionnaire, opener)
    rule_set_id = case.newest_rule_set_id
    observations = [
        Recorded(o, values["facts"], values["note"])
        for o in (_OBSERVATIONS.rows(case=case.id) if case.has_observations else ())
        if (values := opener.value(o.values, row=o, label="observation.values", instead=_LOST_OBSERVATION))
    ]
    events = _EVENTS.rows(case=case.id)
    decisions = [
        Signed(e.decision, opener.value(e.decision.words, row=e.decision, label="decision.words"))
        for e in events
        if e.decision
    ]
    return CasePage(
        case_id=case.id,
        questionnaire=questionnaire,
        document=document,
        assessment_id=case.newest_assessment_id,
        rule_set=(rule_set_id, rule_set_version(rule_set_id)) if rule_set_id else None,
        flags=tuple(flags),
        sections=tuple(_sections(questionnaire, document, asked, flags, lost=opener.answers_are_lost)),
        scores=() if opener.answers_are_lost else tuple(_scores(questionnaire, document, asked)),
        observations=tuple(observations),
        # Nothing is run again over a record that does not open: it can not be signed.
        measurements=()
        if opener.lost
        else tuple(measurements_of(case, [recorded.observation for recorded in observations])),
        events=tuple(events),
        decisions=tuple(decisions),
        help_replies=tuple(document.changes(HELP_REPLY)),
        lost=tuple(opener.lost),
        answers_are_lost=opener.answers_are_lost,
    )


def _flags(case: Case, questionnaire: Questionnaire, opener: Opener) -> list[Flag]:
    """The flags of the newest run, and those of the draft that it does not repeat as severely.

    An alarm is never gone by itself, however its answer was softened later.
    """
    newest_id = case.newest_assessment_id
    flags: list[Flag] = []
    shown: dict[str, int] = {}
    # The key of the case is no assessment's: before the first one, it finds none.
    for issue in _ISSUES.rows(case=case.id, newest=newest_id or case.id):
        if severity(issue.tier) > shown.get(issue.rule_id, 0):
            shown[issue.rule_id] = severity(issue.tier)
            flags.append(_flag(issue, questionnaire, from_draft=issue.assessment_id != newest_id))
    _add_dispositions(case, flags, opener)
    return sorted(flags, key=lambda flag: -severity(flag.issue.tier))


def _flag(issue: DetectedIssue, questionnaire: Questionnaire, *, from_draft: bool) -> Flag:
    version_id = issue.assessment.rule_set_id
    rule_set = rule_set_version(version_id) if version_id else None

    def questions(facts: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(link_id for fact in facts for link_id in link_ids_of(fact, questionnaire)))

    causes = questions(issue.caused_by)
    return Flag(
        issue=issue,
        rule=rule_set.by_id.get(issue.rule_id) if rule_set else None,
        rule_set=rule_set,
        causes=causes,
        settled_by=tuple(link_id for link_id in questions(issue.settled_by) if link_id not in causes),
        from_draft=from_draft,
    )


def _add_dispositions(case: Case, flags: list[Flag], opener: Opener) -> None:
    dispositions = _DISPOSITIONS.rows(case=case.id) if case.has_dispositions else []
    for flag in flags:
        for disposition in dispositions:
            if bytes(disposition.fingerprint) == bytes(flag.issue.fingerprint):
                flag.dispositions.append(disposition)
                flag.words[disposition.id] = opener.value(disposition.words, row=disposition, label="disposition.words")


def _sections(
    questionnaire: Questionnaire,
    document: AnswerDocument,
    asked: Mapping[int, Truth],
    flags: list[Flag],
    *,
    lost: bool,
) -> Iterable[tuple[Section, tuple[Row, ...]]]:
    behind: dict[str, list[Flag]] = {}
    for flag in flags:
        for link_id in (*flag.causes, *flag.settled_by):
            behind.setdefault(link_id, []).append(flag)
    # Once for all: a person who went to and fro left a long history.
    changes: dict[str, list[Answer]] = {}
    for earlier in document.history:
        changes.setdefault(earlier.link_id, []).append(earlier)
    for section, own in questionnaire.questions_by_section:
        rows = []
        for item, number in own:
            link_id, answer = item.link_id, document.get(item.link_id)
            state = "not_asked" if asked[number] is Truth.FALSE else answer.state if answer else "skipped"
            if lost:
                state = CANNOT_SHOW_STATE
            about = changes.get(link_id, ()), behind.get(link_id, ())
            if answer is None:
                rows.append(Row(link_id, item.text["en"], "", state, "", "", *about))
            else:
                rows.append(Row(link_id, answer.question, answer.shown, state, answer.entered_by, answer.at, *about))
        yield section, tuple(rows)


def _scores(questionnaire: Questionnaire, document: AnswerDocument, asked: Mapping[int, Truth]) -> Iterable[ShownScore]:
    """The scores with published bands, of every scale that was asked at all."""
    for score in questionnaire.scores.values():
        pages = (questionnaire.page_of[link_id].number for link_id in questionnaire.items_of(score))
        if score.bands and any(asked[number] is not Truth.FALSE for number in pages):
            value = score_value(questionnaire, document, asked, score)
            bands = (label["en"] for start, label in reversed(score.bands) if value is not None and value >= start)
            yield ShownScore(score.title["en"], value, next(bands, ""))


def identity_of(response: QuestionnaireResponse, document: AnswerDocument) -> dict[str, Any]:
    """Who a case is about and how to reach them, from the answers; the patient row exists only once they were sent."""
    names = [document.value(name) or "" for name in ("legal_given_name", "legal_family_name")]
    shown = {
        name: a.shown
        for name in (
            "date_of_birth",
            "phone",
            "email",
            "pronouns",
            "chosen_name",
            "contact_ok",
            "safe_time_to_call",
            "discreet_contact",
            "emergency_contact_phone",
        )
        if (a := document.get(name))
    }
    return {
        "name": " ".join(filter(None, names)) or "Name not given yet",
        "birth": document.value("date_of_birth"),
        **shown,
    }
