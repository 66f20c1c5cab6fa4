"""The places where what a patient does reaches the screening room."""

from typing import Any

from django.dispatch import receiver

from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse
from intake.questionnaires import Page, Questionnaire
from intake.signals import answers_reviewed, page_saved, response_submitted
from screening.cases import emergency_rules_on_page, open_case
from screening.contradictions import contradictions


@receiver(page_saved, dispatch_uid="screening.page_saved")
def run_emergency_rules(
    sender: Any,
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    page: Page,
    **_: Any,
) -> list[str]:
    return emergency_rules_on_page(response, questionnaire, document, page)


@receiver(answers_reviewed, dispatch_uid="screening.answers_reviewed")
def find_contradictions(
    sender: Any, response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument, **_: Any
) -> list[tuple[str, ...]]:
    return contradictions(response, questionnaire, document)


@receiver(response_submitted, dispatch_uid="screening.response_submitted")
def screen_submission(
    sender: Any, response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument, **_: Any
) -> None:
    open_case(response, questionnaire, document)
