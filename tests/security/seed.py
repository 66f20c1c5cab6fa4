"""Two clinics with staff in every role and a patient in every state. Whatever is known of one has a mark of its own.

A mark such as `zzanswer-here-takenzz` says what kind of thing it marks, at which clinic and of whom, so that a page can
be searched for what must not be on it.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import roles
from clinic_site.clinics.models import Clinic
from intake.access import Pass, pass_cookie
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.services import start_response, submit_response
from screening.break_glass import break_glass
from screening.case_page import build_case_page
from screening.cases import emergency_rules_on_page
from screening.models import Case, CaseStatus, ObservationKind, Outcome, ReasonCode
from screening.review import claim_case, close_flag, record_observation, sign_decision
from tests.conftest import half_signed_browser, make_clinic, make_user, publish_shipped_content
from tests.screening.cases import nothing_to_declare

ABSOLUTE, EMERGENCY = "cardiovascular.aneurysm-avm", "thinking_of_hurting_someone_now"
# What a patient says to be reached; everything else that they say is an answer.
CONTACT = (
    "legal_given_name", "legal_family_name", "phone", "email", "pronouns", "chosen_name", "contact_ok",
    "safe_time_to_call", "discreet_contact", "emergency_contact_phone", "date_of_birth",
)  # fmt: skip
# A clinician who gave the password and not yet the second factor.
HALF_WAY = "half-way"
KINDS = ("contact", "answer", "result", "note", "decision")
_MARK = re.compile(r"zz(\w+)-(\w+)-([\w-]+?)zz")


def mark(kind: str, clinic: str, who: str) -> str:
    return f"zz{kind}-{clinic}-{who}zz"


def marks_in(text: str) -> set[tuple[str, str, str]]:
    """(kind, clinic, who) of everything marked. The name of a rule's flag is a result, whoever's it is."""
    found = {(match[1], match[2], match[3]) for match in _MARK.finditer(text)}
    return found | ({("result", "", "")} if ABSOLUTE in text or "Aneurysm" in text else set())


@dataclass
class Person:
    """One patient: the draft with what opens it, and the case when there is one."""

    who: str
    response: QuestionnaireResponse
    token: str
    case: Case | None = None

    def browser(self) -> Client:
        client = Client(raise_request_exception=False)
        client.cookies[pass_cookie(self.response.public_id)] = self.opened_now()
        return client

    def opened_now(self) -> str:
        """The cookie of a browser that opened this draft a moment ago."""
        now = timezone.now().timestamp()
        return Pass(self.token, now, now).written()


@dataclass
class Side:
    """One clinic. `staff` by role; `colleague` is a second clinician, who has no case."""

    name: str
    clinic: Clinic
    staff: dict[str, User] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)


@dataclass
class World:
    here: Side
    there: Side
    sessions: dict[Any, str] = field(default_factory=dict)

    def browser(self, user: User | None) -> Client:
        """A browser of a signed-in member of staff, or of nobody."""
        return self._browser_with(self.sessions[user.pk] if user is not None else "")

    def browser_of(self, actor: str) -> Client:
        """Of a member of staff here, of somebody who is HALF_WAY, or of nobody."""
        user = self.here.staff.get(actor)
        return self._browser_with(self.sessions[HALF_WAY]) if actor == HALF_WAY else self.browser(user)

    def _browser_with(self, session: str) -> Client:
        client = Client(raise_request_exception=False)
        if session:
            client.cookies[settings.SESSION_COOKIE_NAME] = session
        return client


@contextmanager
def world(django_db_blocker: Any) -> Iterator[World]:
    """Built once for all tests of a module, and rolled back after them."""
    with django_db_blocker.unblock(), transaction.atomic():
        publish_shipped_content()
        made = World(_side("here", "riverside"), _side("there", "hillside"))
        # All at once: a session that begins in what is undone is gone with it.
        for user in (*made.here.staff.values(), *made.there.staff.values()):
            made.sessions[user.pk] = _session_of(user)
        half = half_signed_browser(make_user("clinician", made.here.clinic))
        made.sessions[HALF_WAY] = half.cookies[settings.SESSION_COOKIE_NAME].value
        yield made
        transaction.set_rollback(True)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens in the block has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _side(name: str, slug: str) -> Side:
    clinic = make_clinic(slug)
    side = Side(name, clinic)
    side.staff = {role: make_user(role, clinic, name=f"{role} {name}") for role in roles()}
    side.staff["colleague"] = make_user("clinician", clinic, name=f"colleague {name}")
    owner = side.staff["clinician"]
    side.people["draft"] = _draft(side, "draft")
    side.people["unfinished"] = _unfinished(side)
    for who in ("waiting", "taken", "second", "asked", "decided"):
        side.people[who] = _submitted(side, who)
        if who != "waiting":
            claim_case(side.people[who].case.id, user=owner)
    for who in ("second", "asked", "decided"):
        _close(side, who, owner)
    for who in ("asked", "decided"):
        _close(side, who, side.staff["medical-director"])
        _sign(side, who, Outcome.MORE_INFORMATION if who == "asked" else Outcome.NOT_NOW)
    for person in side.people.values():
        if person.case is not None:
            person.case.refresh_from_db()
    return side


def _draft(side: Side, who: str, **answers: str) -> Person:
    document = nothing_to_declare(side.clinic)
    for link_id, value in answers.items():
        document.put(replace(document.answers[link_id], value=value, revision=1))
    for link_id, answer in list(document.answers.items()):
        sign = mark("contact" if link_id in CONTACT else "answer", side.name, who)
        value = f"Sam {sign}" if link_id == "legal_given_name" else answer.value
        document.answers[link_id] = replace(answer, value=value, shown=f"{answer.shown} {sign}")
    document.history.clear()
    response, token = start_response(side.clinic, language="en")
    response.seal_document(document)
    response.save(update_fields=["answers"])
    return Person(who, response, token)


def _unfinished(side: Side) -> Person:
    """An emergency on a draft, which is a case before it is sent."""
    person = _draft(side, "unfinished", **{EMERGENCY: "yes"})
    questionnaire = questionnaire_of(person.response)
    page = questionnaire.page_of[EMERGENCY]
    assert emergency_rules_on_page(person.response, questionnaire, person.response.document(), page)
    person.case = Case.objects.get(response=person.response)
    return person


def _submitted(side: Side, who: str) -> Person:
    person = _draft(side, who, aneurysm_or_avm="yes")
    person.response = submit_response(person.response, idempotency_key=uuid.uuid4())
    person.case = Case.objects.get(response=person.response)
    return person


def _page(person: Person) -> Any:
    return build_case_page(Case.objects.with_record().get(pk=person.case.id))


def _close(side: Side, who: str, user: User) -> None:
    person = side.people[who]
    record_observation(
        person.case.id, user=user, kind=ObservationKind.IDENTITY, facts={"identity_verified": "yes"},
        note=mark("note", side.name, who), observed_on=side.clinic.today(),
    )  # fmt: skip
    for flag in _page(person).flags:
        if flag.blocks_signing and not flag.closed and user.id not in {d.by_id for d in flag.dispositions}:
            words = f"Looked at it. {mark('note', side.name, who)}"
            close_flag(person.case.id, flag.issue.id, user=user, reason=ReasonCode.ADDRESSED, words=words)


def _sign(side: Side, who: str, outcome: Outcome) -> None:
    person, words = side.people[who], f"Weighed it. {mark('decision', side.name, who)}"
    shown = _page(person).shown_sha256
    sign_decision(person.case.id, user=side.staff["clinician"], outcome=outcome, words=words, shown_sha256=shown)


def look_into(side: Side, who: str, user: User) -> None:
    """Breaks the glass of one case."""
    assert break_glass(
        side.people[who].case.id, user=user, reason=f"A reason that stands {mark('note', side.name, who)}"
    )


def rows_of(clinic: Clinic) -> dict[str, str]:
    """A digest of every row of a clinic, by table, sealed columns and times included."""
    digests = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'clinic_id'"
            " ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t.id), '')) FROM \"{table}\" t"  # noqa: S608
                " WHERE t.clinic_id = %s",
                [clinic.id],
            )
            digests[table] = cursor.fetchone()[0]
    return digests


STATES = {
    "draft": None, "unfinished": CaseStatus.UNFINISHED, "waiting": CaseStatus.WAITING, "taken": CaseStatus.IN_REVIEW,
    "second": CaseStatus.IN_REVIEW, "asked": CaseStatus.MORE_INFORMATION, "decided": CaseStatus.DECIDED,
}  # fmt: skip
