"""The page shown where a record was altered or damaged and nothing of it can be shown. Never a blank record."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic_site.accounts.models import User
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.tampering import report_unopened
from clinic_site.messaging.models import OutboxMessage
from clinic_site.middleware import Handler
from intake.answers import AnswerDocument
from intake.forms import PageForm
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of


class UnreadableRecords:
    """Answers CannotOpen from any view, for those that have no better answer of their own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, CannotOpen):
            return None
        match = request.resolver_match
        is_patient = match is not None and match.app_name == "intake"
        user = request.user if isinstance(request.user, User) and not is_patient else None
        with transaction.atomic():
            report_unopened([exception], user=user)
            if is_patient and match is not None:
                return _call_us(request, **match.kwargs)
        return render(request, "screening/cannot_open.html", status=503)


def _call_us(request: HttpRequest, public_id: str, number: int = 0) -> HttpResponse:
    """To the person: call. To the clinic, when something was sent: it may be what no rule could look at."""
    response = QuestionnaireResponse.objects.select_related("clinic").get(public_id=public_id)
    context: dict[str, Any] = {
        "clinic": response.clinic,
        "clinic_open": response.clinic.is_open(),
        "language": response.language,
        "reference": response.reference,
    }
    if request.method == "POST":
        subject = f"Urgent: {response.reference} could not go on"
        if not OutboxMessage.objects.filter(subject=subject, clinic=response.clinic, sent_at__isnull=True).exists():
            OutboxMessage.objects.create(
                clinic=response.clinic,
                purpose="could-not-go-on",
                recipient=response.clinic.alert_email,
                subject=subject,
                body=(
                    f"The person of record {response.reference} sent something that could not be kept or looked at.\n"
                    "They were asked to call. If they do not call, nobody knows who they are: tell the operator now.\n"
                ),
            )
        pages = questionnaire_of(response).pages
        if 1 <= number <= len(pages):
            today = response.clinic.today()
            form = PageForm(
                pages[number - 1], AnswerDocument(), language=response.language, today=today, data=request.POST
            )
            context["typed"] = form.typed()
    return render(request, "intake/cannot_open.html", context, status=503)
