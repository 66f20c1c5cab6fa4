"""What the review pages show, as plain values for the templates."""

import datetime
import uuid
import zoneinfo
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from clinic_site.accounts.models import User
from clinic_site.templatetags.wording import waiting
from intake.answers import Answer, State
from intake.questionnaires import Section
from screening.case_page import CANNOT_SHOW_STATE, CasePage, Flag, Row, identity_of
from screening.engine import Status
from screening.facts import count_since
from screening.forms import OBSERVATION_FORMS, CloseFlagForm, SignDecisionForm
from screening.models import Case, CaseEvent, CaseStatus, ObservationKind, Outcome, ReasonCode
from screening.opening import CANNOT_SHOW, Opener
from screening.relation import glass_open_until, is_related
from screening.rules import TIERS

TIER_LABELS = {
    "emergency": "Emergency",
    "absolute": "Absolute",
    "relative": "Relative",
    "caution": "Caution",
    "info": "Info",
    "none": "No flags",
}
_CASE_STATUS_LABELS: dict[str, str] = {value: str(label) for value, label in CaseStatus.choices}
_STATUS_LABELS = {
    Status.FIRED.value: "Fired",
    Status.UNRESOLVED.value: "Needs an answer",
    Status.ERROR.value: "Could not be assessed",
}
_STATE_LABELS = {
    State.ANSWERED.value: "",
    State.NOT_SURE.value: "Not sure",
    State.PREFER_NOT_TO_SAY.value: "Preferred not to say",
    State.SKIPPED.value: "Left blank",
    State.UNPARSEABLE.value: "Could not be read; shown as typed",
    "not_asked": "Not asked: does not apply",
    CANNOT_SHOW_STATE: "Can not be shown",
}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
Bound = dict[Any, Any]


def tier_of(severity: int) -> str:
    return TIERS[len(TIERS) - severity] if severity else "none"


_SOME_ISSUE = str(uuid.UUID(int=0))


@cache
def _pattern(page: str, *rest: str) -> str:
    return reverse(f"screening:{page}", args=["REFERENCE", *rest])


def _address(page: str, case: Case, *rest: str) -> str:
    """The address of a page of the case. Resolved once for each page: a queue holds 25 of them."""
    return _pattern(page, *rest).replace("REFERENCE", case.reference)


def queue_row(case: Case) -> dict[str, Any]:
    tier = tier_of(case.severity)
    return {
        "reference": case.reference,
        "url": _address("case", case),
        "tier": tier,
        "tier_label": TIER_LABELS[tier],
        "status_label": _CASE_STATUS_LABELS[case.status],
        "waiting_since": case.opened_at,
        "owner": case.owner.name if case.owner else "",
        "waiting": waiting(case.opened_at),
        "unfinished": case.status == CaseStatus.UNFINISHED,
        "second_wanted": case.is_open and getattr(case, "awaits_second", False),
        # As text, because a template writes a number by the customs of a country, which takes longer than the row.
        "flag_count": str(len(case.rule_ids)),
        "holds": str(case.holds),
    }


def _common(case: Case, user: User) -> dict[str, Any]:
    may_claim = user.may("case.claim", case.clinic_id) and case.is_open
    return {
        "case": {
            **queue_row(case),
            "opened_at": case.opened_at,
            "submitted_at": case.submitted_at,
            "status": case.status,
        },
        "claim_url": _address("claim", case) if may_claim and case.owner_id is None else None,
        "release_url": _address("release", case) if may_claim and case.owner_id == user.id else None,
        "mine": case.owner_id == user.id,
        "glass_ends_at": None if is_related(case, user) else glass_open_until(case),
    }


def contact_context(case: Case, user: User) -> dict[str, Any]:
    """Who it is, and what was checked: the front desk's page. No answers, no flags."""
    opener = Opener(case.response)
    document = opener.document()
    checks = [
        o for o in case.observations.select_related("recorded_by").order_by("id") if o.kind == ObservationKind.IDENTITY
    ]
    observations = []
    for check in checks:
        values = opener.value(check.values, row=check, label="observation.values", instead=None)
        observations.append(_observation(check, values["facts"] if values else {}, "" if values else CANNOT_SHOW))
    return {
        **_common(case, user),
        "for_contact": True,
        "person": _person(case, identity_of(case.response, document), lost=opener.answers_are_lost),
        "lost": opener.lost,
        "observations": observations,
        "observation_links": _observation_links(case, user),
    }


def case_context(case: Case, page: CasePage, user: User, blockers: list[str], bound: Bound) -> dict[str, Any]:
    # The answers that a flag names, of two hundred.
    rows = {row.link_id: row for _section, own in page.sections for row in own if row.flags}
    flags = [_flag(case, page, flag, rows, user, bound) for flag in page.flags]
    minutes = _Minutes(zoneinfo.ZoneInfo(case.response.clinic.time_zone))
    mine = case.owner_id == user.id
    can_sign = mine and case.is_open and user.may("decision.sign", case.clinic_id)
    opener = Opener(case.response)
    timeline = [_step(event, opener) for event in page.events]
    return {
        **_common(case, user),
        "for_contact": False,
        "person": _person(case, identity_of(case.response, page.document), lost=page.answers_are_lost),
        "lost": [*page.lost, *opener.lost],
        "flags": flags,
        "open_flags": [flag for flag in flags if not flag["closed"]],
        "closed_flags": [flag for flag in flags if flag["closed"]],
        "sections": [_section(section, own, minutes) for section, own in page.sections],
        "scores": [
            {
                "title": s.title,
                "shown": "No score: an answer is missing" if s.value is None else f"{s.value:g}",
                "band": s.band,
            }
            for s in page.scores
        ],
        "observations": [_observation(r.observation, r.facts, r.note) for r in page.observations],
        "observation_links": _observation_links(case, user),
        "decision_form": (bound.get("decision") or SignDecisionForm(initial={"shown_sha256": page.shown_sha256}))
        if can_sign
        else None,
        "outcomes": Outcome.choices,
        "sign_url": _address("sign", case),
        "blockers": blockers,
        "decisions": [
            {
                "outcome": Outcome(signed.decision.outcome).label,
                "words": signed.words,
                "by": signed.decision.signed_by,
                "at": signed.decision.signed_at,
                "hash": signed.decision.shown_sha256,
            }
            for signed in page.decisions
        ],
        "timeline": timeline,
        "help_replies": [{"shown": a.shown, "at": _moment(a.at)} for a in page.help_replies],
        "can_edit": mine and case.is_open,
        "reasons": ReasonCode.choices,
    }


def _step(event: CaseEvent, opener: Opener) -> dict[str, Any]:
    glass = event.break_glass
    reason = opener.value(glass.reason, row=glass, label="break-glass.reason") if glass else ""
    return {"at": event.at, "what": event.get_kind_display(), "detail": event.detail, "by": event.by, "reason": reason}


def _person(case: Case, identity: dict[str, Any], *, lost: bool) -> dict[str, Any]:
    if lost:
        return {"name": "Name can not be shown", "age": None}
    born = identity.pop("birth")
    age = int(count_since(datetime.date.fromisoformat(born), case.response.clinic.today(), "years")) if born else None
    return {**identity, "age": age}


def _moment(iso: str) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(iso) if iso else None


class _Minutes(dict[str, str]):
    """How the minutes of one page, such as 2026-11-23T22:00 in UTC, read at the clinic: Nov 23, 5:00 PM.

    Each is worked out once: a page shows a hundred answers, and people give several in a minute.
    """

    def __init__(self, zone: zoneinfo.ZoneInfo) -> None:
        super().__init__({"": ""})
        self.zone = zone

    def __missing__(self, minute: str) -> str:
        at = datetime.datetime.fromisoformat(minute).replace(tzinfo=datetime.UTC).astimezone(self.zone)
        half = "AM" if at.hour < 12 else "PM"
        self[minute] = f"{_MONTHS[at.month - 1]} {at.day}, {at.hour % 12 or 12}:{at.minute:02} {half}"
        return self[minute]

    def of(self, iso: str) -> str:
        return self[iso[:16]]


def _lasted(since: str, until: str) -> str:
    """How long an answer stood, in the largest fitting unit: 40 s, 5 min, 3 h, 2 days."""
    seconds = (datetime.datetime.fromisoformat(until) - datetime.datetime.fromisoformat(since)).total_seconds()
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _flag(case: Case, page: CasePage, flag: Flag, rows: dict[str, Row], user: User, bound: Bound) -> dict[str, Any]:
    issue = flag.issue
    may_close = case.is_open and user.may("flag.close", case.clinic_id) and not flag.closed
    mine_or_second = case.owner_id == user.id or flag.needs_second
    did_already = any(d.by_id == user.id for d in flag.dispositions)
    sources = flag.rule_set.sources if flag.rule_set else {}

    def answers(link_ids: tuple[str, ...]) -> list[dict[str, str]]:
        found = [rows[link_id] for link_id in link_ids if link_id in rows]
        return [
            {
                "link_id": row.link_id,
                "question": row.question,
                "shown": _then_and_now(flag, page, row),
                "href": f"#answer-{row.link_id}",
            }
            for row in found
        ]

    return {
        "id": issue.id,
        "rule": issue.rule_id,
        "title": flag.title,
        "tier": issue.tier,
        "tier_label": TIER_LABELS[issue.tier],
        "status": issue.status,
        "status_label": _STATUS_LABELS[issue.status],
        "hold": issue.hold,
        "blocks_signing": issue.blocks_signing,
        "worst_case": issue.worst_case_assumed,
        "from_draft": flag.from_draft,
        "causes": answers(flag.causes),
        "settled_by": answers(flag.settled_by),
        "facts": list(issue.caused_by),
        "next_step": flag.rule.next_step["en"] if flag.rule else "Review every answer by hand and tell the operator.",
        "sources": [
            {"key": key, "title": sources[key].title, "url": sources[key].url, "evidence": sources[key].evidence}
            for key in (flag.rule.sources if flag.rule else ())
        ],
        "rule_version": f"{flag.rule_set.version} · {flag.rule_set.sha256[:12]}" if flag.rule_set else "",
        "review_by": flag.rule.review_by if flag.rule else "",
        "closed": flag.closed,
        "needs_second": flag.needs_second,
        "dispositions": [
            {"by": d.by, "at": d.at, "reason": ReasonCode(d.reason).label, "words": flag.words[d.id]}
            for d in flag.dispositions
        ],
        "anchor": f"close-{issue.id}",
        "form": (bound.get(issue.id) or CloseFlagForm()) if may_close and mine_or_second and not did_already else None,
        "close_url": _address("close_flag", case, _SOME_ISSUE).replace(_SOME_ISSUE, str(issue.id)),
    }


def _then_and_now(flag: Flag, page: CasePage, row: Row) -> str:
    """The answer in the person's words. For a flag of the draft: what raised it, and what it was changed to."""
    now = row.shown or _STATE_LABELS[row.state]
    then = flag.answer_then(page.document, row.link_id)
    return f"{then.shown or _STATE_LABELS[then.state.value]}; changed later to: {now}" if then else now


class _Line(NamedTuple):
    """One answer as it stands on the page. `tag`: why it is no answer."""

    link_id: str
    question: str
    first_line: str
    other_lines: Sequence[str]
    tag: str
    classes: str
    entered: str
    flags: Sequence[dict[str, str]]
    changes: Sequence[dict[str, str]]


def _section(section: Section, rows: Iterable[Row], minutes: _Minutes) -> dict[str, Any]:
    """A part of the record: its answers, and what was not asked, unless somebody answered it once."""
    lines, not_asked = [], []
    for row in rows:
        if row.state != "not_asked" or row.changes or row.flags:
            lines.append(_line(row, minutes))
        else:
            not_asked.append(_not_asked(row.link_id, row.question))
    return {
        "title": section.title["en"],
        "sensitivity": section.sensitivity,
        "rows": lines,
        "not_asked": not_asked,
    }


@lru_cache(maxsize=1024)
def _not_asked(link_id: str, question: str) -> SafeString:
    """A question of the questionnaire that did not apply: the same for everybody, and 70 of them on most pages."""
    return format_html('<span id="answer-{}">{}</span>', link_id, question)


def _line(row: Row, minutes: _Minutes) -> _Line:
    """What most rows have none of is the one empty tuple: a list each, a hundred times over, keeps Python busy."""
    shown, label, at = row.shown, _STATE_LABELS[row.state], minutes.of(row.at)
    first_line, *other_lines = shown.splitlines() if "\n" in shown else (shown,)
    return _Line(
        row.link_id,
        row.question,
        first_line,
        other_lines or (),
        label if label != shown else "",
        f"said said--{row.state}" + (" said--flagged" if row.flags else ""),
        f"Entered by {row.entered_by}, {at}" if row.entered_by not in ("", "self") else at,
        [{"href": f"#flag-{f.issue.id}", "title": f.title, "tier": f.issue.tier} for f in row.flags]
        if row.flags
        else (),
        [_change(answer, minutes) for answer in row.changes] if row.changes else (),
    )


def _change(answer: Answer, minutes: _Minutes) -> dict[str, str]:
    return {
        "shown": answer.shown or _STATE_LABELS[answer.state],
        "at": minutes.of(answer.superseded_at),
        "lasted": _lasted(answer.at, answer.superseded_at),
    }


# What staff record, as it reads on the page: the name, and the unit of a number.
_RECORDED_FACTS = {
    "identity_verified": ("Identity verified", ""),
    "systolic_mmhg": ("Systolic", "mmHg"),
    "diastolic_mmhg": ("Diastolic", "mmHg"),
    "height_cm": ("Height", "cm"),
    "weight_kg": ("Weight", "kg"),
    "cssrs_highest_ideation_past_month": ("Highest ideation item answered yes, past month", "of 5"),
    "alt_or_ast_times_upper_limit": ("Higher of ALT and AST", "times the upper limit"),
}


def _observation(observation: Any, facts: dict[str, Any], note: str) -> dict[str, Any]:
    words = []
    for name, value in facts.items():
        label, unit = _RECORDED_FACTS[name]
        words.append(f"{label}: {value:g} {unit}" if isinstance(value, float) else f"{label}: {value}")
    return {
        "label": observation.get_kind_display(),
        "value": ", ".join(words) + (f" ({note})" if note and words else note),
        "by": observation.recorded_by,
        "at": observation.recorded_at,
        "on": observation.observed_on,
    }


def _observation_links(case: Case, user: User) -> list[dict[str, str]]:
    """What this user may record on the case, and where."""
    return [
        {
            "title": ObservationKind(kind).label,
            "url": _address("observe", case, kind),
        }
        for kind, (_form, permission) in OBSERVATION_FORMS.items()
        if case.is_open and user.may(permission, case.clinic_id)
    ]
