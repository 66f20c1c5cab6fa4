"""Submitted cases without walking every page, and a member of staff at their desk."""

import json
import uuid
from typing import Any

from django.test import Client
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.clinics.models import Clinic
from intake.answers import Answer, AnswerDocument, State
from intake.branching import retire_unasked
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.services import start_response, submit_response
from screening.models import Case, DetectedIssue
from tests.patients import PatientBrowser

WORDS = "Looked at this with the patient."
_walked: list[str] = []


def nothing_to_declare(clinic: Clinic) -> AnswerDocument:
    """What somebody with nothing to declare answered, page by page, once in this process."""
    if not _walked:
        document = PatientBrowser(clinic).fill_in().response.document()
        _walked.append(json.dumps(document.to_json()))
    return AnswerDocument.from_json(json.loads(_walked[0]))


def filled_in(clinic: Clinic, **answers: Any) -> QuestionnaireResponse:
    """A draft of that person with other answers: a value as it is stored, or a State for what was not answered."""
    document = nothing_to_declare(clinic)
    response, _token = start_response(clinic, language="en")
    questionnaire, now = questionnaire_of(response), timezone.now().isoformat()
    for link_id, value in answers.items():
        state = value if isinstance(value, State) else State.ANSWERED
        kept, shown = (None, "") if isinstance(value, State) else (value, f"typed {link_id}")
        question = questionnaire.questions[link_id].text["en"]
        document.put(Answer(link_id, state, kept, question, shown, "en", "self", now, 1))
    document.history.clear()
    retire_unasked(questionnaire, document, at=now)
    response.seal_document(document)
    response.save(update_fields=["answers", "later_answers"])
    return response


def submitted_case(clinic: Clinic, **answers: Any) -> Case:
    response = submit_response(filled_in(clinic, **answers), idempotency_key=uuid.uuid4())
    return Case.objects.get(response=response)


class Desk:
    """A member of staff who works on one case over HTTP."""

    def __init__(self, user: User, case: Case) -> None:
        self.user, self.case, self.client = user, case, Client()
        self.client.force_login(user)

    @property
    def url(self) -> str:
        return f"/review/{self.case.reference}/"

    def open(self) -> Any:
        return self.client.get(self.url)

    def claim(self) -> Any:
        return self.client.post(f"{self.url}claim/")

    def release(self) -> Any:
        return self.client.post(f"{self.url}release/")

    def issue(self, rule: str) -> DetectedIssue:
        """The newest flag of a rule."""
        return DetectedIssue.objects.filter(case=self.case, rule_id=rule).latest("assessment_id")

    def close(self, rule: str, **fields: str) -> Any:
        posted = {"reason": "addressed", "words": WORDS, **fields}
        return self.client.post(f"{self.url}flags/{self.issue(rule).id}/", posted)

    def record(self, kind: str, **fields: Any) -> Any:
        posted = {"observed_on": self.case.clinic.today().isoformat(), "note": "", **fields}
        return self.client.post(f"{self.url}record/{kind}/", posted)

    def check_identity(self) -> Any:
        return self.record("identity", verified="yes")

    def shown_sha256(self) -> str:
        return self.open().context["decision_form"].initial["shown_sha256"]

    def sign(self, **fields: str) -> Any:
        posted = {"outcome": "proceed-to-evaluation", "words": "Nothing stands against a visit.", **fields}
        return self.client.post(
            f"{self.url}decision/",
            {"shown_sha256": self.shown_sha256(), **posted} if "shown_sha256" not in fields else posted,
        )

    def flags(self) -> dict[str, dict[str, Any]]:
        """The flags on the screen by rule."""
        return {flag["rule"]: flag for flag in self.open().context["flags"]}
