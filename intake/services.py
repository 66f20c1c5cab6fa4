"""What a patient can do to a response, each in one transaction: start it, save a page, submit it."""

import datetime
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from clinic_site.audit.models import Actor
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from clinic_site.encryption.cipher import blind_index
from clinic_site.encryption.models import DataKey
from clinic_site.messaging.models import OutboxMessage
from clinic_site.records.composed import insert
from intake.answers import Answer, AnswerDocument, Reply, State
from intake.branching import Asked, retire_unasked
from intake.completeness import Gap, gaps
from intake.models import Consent, ConsentDecision, Patient, QuestionnaireResponse
from intake.published import current_version, questionnaire_of
from intake.questionnaires import Page, Questionnaire
from intake.reading import SavedMeanwhile, complete, keep, lock_response
from intake.return_address import follow_answers
from intake.signals import page_saved, response_submitted


class AlreadySubmitted(Exception):
    """The response is frozen; nothing can be added to it."""


class ChangedElsewhere(Exception):
    """The same question was saved in another tab after this page was loaded."""


class Incomplete(Exception):
    """The response can not be submitted yet; `gaps` says what is missing and where."""

    def __init__(self, missing: list[Gap]) -> None:
        super().__init__(f"{len(missing)} gaps")
        self.gaps = missing


@dataclass(frozen=True)
class SavedPage:
    """What a save left: the document as it now is, what it makes us ask, and the rules that call for help."""

    document: AnswerDocument
    revision: int
    emergency_rules: tuple[str, ...]
    asked: Asked


@transaction.atomic
def start_response(clinic: Clinic, *, language: str) -> tuple[QuestionnaireResponse, str]:
    """A new draft and the secret that opens it in this browser."""
    data_key = DataKey.generate(clinic)
    data_key.save(force_insert=True)
    response = QuestionnaireResponse(
        clinic=clinic, questionnaire=current_version(), data_key=data_key, language=language
    )
    token = response.new_access_token()
    response.save(force_insert=True)
    record([audit_event("response.started", clinic_id=clinic.id, entity=response, actor=Actor.PATIENT)])
    return response, token


def save_page(
    seen: QuestionnaireResponse,
    page: Page,
    replies: Mapping[str, Reply],
    *,
    loaded_revision: int,
    entered_by: str = "self",
    late: bool = False,
) -> SavedPage:
    """Saves the replies of one page and runs the emergency rules.

    `seen` is the response as this request read it, `loaded_revision` the revision the page was shown at. Raises
    ChangedElsewhere when a question of the page was saved since; a `late` save (its browser pass had ended), or one
    that is an emergency, then goes to the history instead. Raises AlreadySubmitted, but for an emergency, of which
    staff must hear whenever it comes.
    """
    how: dict[str, Any] = {"loaded_revision": loaded_revision, "entered_by": entered_by, "late": late}
    if seen.is_draft:
        # Nearly always nobody saved anything since it was read, and no lock is needed to find that out.
        with suppress(SavedMeanwhile), transaction.atomic():
            return _save_page(seen, page, replies, **how)
    with transaction.atomic():
        return _save_page(lock_response(seen.public_id), page, replies, **how)


def _save_page(
    response: QuestionnaireResponse,
    page: Page,
    replies: Mapping[str, Reply],
    *,
    loaded_revision: int,
    entered_by: str,
    late: bool,
) -> SavedPage:
    """Raises SavedMeanwhile when `response` is not what the database holds any more."""
    questionnaire, document = questionnaire_of(response), response.document()
    now = timezone.now()
    answers = _answers(page, replies, response=response, entered_by=entered_by, at=now)
    # The same answers again (a button pressed twice) are no conflict.
    conflicts = any(
        earlier.revision > loaded_revision and (earlier.state, earlier.value) != (answer.state, answer.value)
        for answer in answers
        if (earlier := document.get(answer.link_id))
    )
    # What was typed counts as an alarm even where it does not become the answer.
    address_before = document.get("email")
    considered = document.copy() if conflicts or not response.is_draft else document
    for answer in answers:
        considered.put(answer)
    asked = retire_unasked(questionnaire, considered, at=now.isoformat(), saved=page)
    if response.is_draft:
        document.history += answers if conflicts else []
        keep(response, document, at=now)
    fired = page_saved.send(
        QuestionnaireResponse, response=response, questionnaire=questionnaire, document=considered, page=page
    )
    emergency_rules = tuple(rule for _receiver, rules in fired for rule in rules or ())
    if not response.is_draft and not emergency_rules:
        raise AlreadySubmitted
    if conflicts and response.is_draft and not (late or emergency_rules):
        raise ChangedElsewhere
    if response.is_draft:
        follow_answers(response, address_before, document)
    record(
        [
            audit_event(
                "response.page-saved",
                clinic_id=response.clinic_id,
                entity=response,
                actor=Actor.PATIENT,
                page=page.number,
                revision=response.revision,
                late=late,
            )
        ]
    )
    asked = asked if considered is document else Asked(questionnaire, document)
    return SavedPage(document, response.revision, emergency_rules, asked)


HELP_REPLY = "help_page_reply"
HELP_REPLIES = {
    "safe_for_now": "I am safe for now",
    "need_help": "I need help reaching someone",
    "wrong_answer": "I chose a wrong answer",
}


@transaction.atomic
def record_help_reply(public_id: str, *, code: str) -> None:
    """Keeps what the person pressed on the help page, beside the answers.

    It changes no flag; "I need help" calls staff.
    """
    response = lock_response(public_id)
    if code == "need_help":
        OutboxMessage.objects.create(
            clinic_id=response.clinic_id,
            purpose="help-asked",
            recipient=response.clinic.alert_email,
            subject=f"Urgent: {response.reference} asks for a call now",
            body=f"The person of record {response.reference} asked for a call. Sign in and call now.\n",
        )
    if response.is_draft:
        document, now = response.document(), timezone.now().isoformat()
        shown = HELP_REPLIES[code]
        document.history.append(
            Answer(HELP_REPLY, State.ANSWERED, code, "", shown, response.language, "self", now, response.revision, now)
        )
        keep(response, document, at=response.saved_at)
    record([audit_event("response.help-reply", clinic_id=response.clinic_id, entity=response, actor=Actor.PATIENT)])


def _answers(
    page: Page, replies: Mapping[str, Reply], *, response: QuestionnaireResponse, entered_by: str, at: datetime.datetime
) -> list[Answer]:
    if not page.questions:
        replies = {page.item.link_id: Reply(State.SEEN)}
    texts = {item.link_id: item.text for item in (page.item, *page.questions)}
    return [
        Answer(
            link_id=link_id,
            state=reply.state,
            value=reply.value,
            question=texts[link_id][response.language],
            shown=reply.shown,
            language=response.language,
            entered_by=entered_by,
            at=at.isoformat(),
            revision=response.revision + 1,
        )
        for link_id, reply in replies.items()
    ]


def submit_response(seen: QuestionnaireResponse, *, idempotency_key: uuid.UUID) -> QuestionnaireResponse:
    """Freezes the response with its consents and has it screened, all or nothing. Submitting again changes nothing
    and returns the same.

    `seen` is the response as this request read it. Raises Incomplete with the gaps that stand in the way.
    """
    with suppress(SavedMeanwhile), transaction.atomic():
        return _submit_response(seen, idempotency_key=idempotency_key)
    with transaction.atomic():
        return _submit_response(lock_response(seen.public_id), idempotency_key=idempotency_key)


def _submit_response(response: QuestionnaireResponse, *, idempotency_key: uuid.UUID) -> QuestionnaireResponse:
    """Raises SavedMeanwhile when `response` is not what the database holds any more."""
    if not response.is_draft:
        return response
    questionnaire, document = questionnaire_of(response), response.document()
    now = timezone.now()
    missing = gaps(questionnaire, document, now=now)
    if missing:
        raise Incomplete(missing)
    complete(response, at=now, idempotency_key=idempotency_key)
    insert([_patient(response, document), *_consents(response, questionnaire, document)])
    response_submitted.send(QuestionnaireResponse, response=response, questionnaire=questionnaire, document=document)
    return response


def _patient(response: QuestionnaireResponse, document: AnswerDocument) -> Patient:
    identity = {
        name: document.value(name)
        for name in (
            "legal_given_name",
            "legal_family_name",
            "chosen_name",
            "date_of_birth",
            "phone",
            "email",
            "address",
        )
    }
    patient = Patient(clinic_id=response.clinic_id, response=response)
    patient.identity = response.data_key.seal(identity, row=patient, label="patient.identity")
    patient.name_and_birth_index = name_index(
        response.clinic_id,
        identity["legal_given_name"] or "",
        identity["legal_family_name"] or "",
        identity["date_of_birth"] or "",
    )
    phone = (identity["phone"] or {}).get("e164", "")
    patient.phone_and_birth_index = phone_index(response.clinic_id, phone, identity["date_of_birth"] or "")
    return patient


def name_index(clinic_id: uuid.UUID, given_name: str, family_name: str, date_of_birth: str) -> bytes:
    """The blind index of a legal name with a date of birth (ISO 8601)."""
    return blind_index("patient.name-and-birth", clinic_id, given_name, family_name, date_of_birth)


def phone_index(clinic_id: uuid.UUID, e164: str, date_of_birth: str) -> bytes:
    return blind_index("patient.phone-and-birth", clinic_id, e164, date_of_birth)


def _consents(response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument) -> list[Consent]:
    consents = []
    for item in questionnaire.questions.values():
        answer = document.get(item.link_id)
        if item.type != "signature" or answer is None or not answer.answered:
            continue
        signed = answer.value["decision"] == "signed"
        texts = (item.body, item.full_text, item.statement)
        text = "\n\n".join(words[answer.language] for words in texts if words)
        consent = Consent(
            clinic_id=response.clinic_id,
            response=response,
            link_id=item.link_id,
            version=item.version,
            language=answer.language,
            text_sha256=sha256(text.encode()).digest(),
            decision=ConsentDecision.PERMIT if signed else ConsentDecision.DENY,
            signed_at=datetime.datetime.fromisoformat(answer.at),
        )
        consent.signature = response.data_key.seal(answer.value["name"], row=consent, label="consent.signature")
        consents.append(consent)
    return consents
