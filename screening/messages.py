"""What staff are sent.

A message holds a reference and nothing about a person: whoever reads the screen learns only that work waits.
"""

from django.conf import settings

from clinic_site.accounts.models import User
from clinic_site.messaging.models import OutboxMessage
from intake.models import QuestionnaireResponse
from screening.models import Case


def urgent_message(case: Case) -> OutboxMessage:
    return _message(
        case,
        purpose="urgent",
        subject=f"Urgent: {case.reference} needs a call now",
        body=(
            f"Record {case.reference} needs a person to call now.\n"
            "Sign in, open the queue and take the record at the top. It may be unfinished.\n"
        ),
    )


def new_case_message(case: Case) -> OutboxMessage:
    return _message(
        case,
        purpose="new-case",
        subject=f"New record {case.reference}",
        body=f"Record {case.reference} was sent and waits in the queue.\n",
    )


def assessment_error_message(response: QuestionnaireResponse) -> OutboxMessage:
    return OutboxMessage(
        clinic_id=response.clinic_id,
        purpose="assessment-error",
        recipient=settings.OPERATOR_EMAIL,
        subject=f"A rule could not be run: {response.reference}",
        body=f"At least one rule could not be assessed for record {response.reference}. The log names the rule.\n",
    )


def break_glass_message(case: Case, *, by: User, recipient: str) -> OutboxMessage:
    """The reason stays in the record: a mail is read on more screens than the case is."""
    return OutboxMessage(
        clinic_id=case.clinic_id,
        purpose="break-glass",
        recipient=recipient,
        subject=f"Record {case.reference} was opened by somebody who does not have it",
        body=(
            f"{by.name} gave a reason and opened record {case.reference} for 60 minutes.\n"
            "Sign in and open the record: its timeline shows the reason. Ask, if the reason is not enough.\n"
        ),
    )


def handed_back_message(case: Case, *, by: User, owner: User) -> OutboxMessage:
    return OutboxMessage(
        clinic_id=case.clinic_id,
        purpose="handed-back",
        recipient=owner.email,
        subject=f"Record {case.reference} is not yours any more",
        body=(
            f"{by.name} handed record {case.reference} back to the queue.\n"
            "Its timeline says why. What you wrote stays as it is.\n"
        ),
    )


def _message(case: Case, *, purpose: str, subject: str, body: str) -> OutboxMessage:
    """To the people of the clinic who are called."""
    recipient = case.response.clinic.alert_email
    return OutboxMessage(clinic_id=case.clinic_id, purpose=purpose, recipient=recipient, subject=subject, body=body)
