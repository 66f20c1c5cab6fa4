"""Finding the draft of an address, and what a browser is shown that may not see it now."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from clinic_site.clinics.models import Clinic
from clinic_site.records import scope
from intake.access import holds_open_pass, read_pass
from intake.models import QuestionnaireResponse
from intake.reading import read_response
from intake.return_forms import SecondForm
from intake.returning import asks_for_second


def about(clinic: Clinic) -> dict[str, Any]:
    return {"clinic": clinic, "clinic_open": clinic.is_open(), "language": "en"}


def find_response(public_id: str) -> QuestionnaireResponse:
    """The response of this address, and from here on the rows of its clinic alone."""
    with scope.within(scope.of_response(public_id)):
        response = read_response(public_id)
    if response is None:
        raise Http404
    scope.go_on_within(scope.of_clinics(response.clinic_id))
    return response


def refusal(request: HttpRequest, response: QuestionnaireResponse) -> HttpResponse | None:
    """The page shown instead when this browser may not see the draft now, or it was sent already; None when all is
    well."""
    if not holds_open_pass(request, response):
        return page_for_shut(request, response)
    if not response.is_draft:
        return redirect("intake:done", response.public_id)
    return None


def no_access(request: HttpRequest, response: QuestionnaireResponse) -> HttpResponse:
    return render(request, "intake/no_access.html", about(response.clinic), status=404)


def page_for_shut(request: HttpRequest, response: QuestionnaireResponse) -> HttpResponse:
    """For a browser without a pass, or with one that is not open. Shows nothing of the draft."""
    held = read_pass(request, response)
    if held is None:
        return no_access(request, response)
    if held.was_left(response):
        return render(request, "intake/closed.html", {"language": response.language}, status=403)
    form = SecondForm() if response.is_draft and asks_for_second(response) else None
    context = {**about(response.clinic), "response": response, "form": form}
    return render(request, "intake/asleep.html", context, status=403)


def see_other(name: str, *args: Any) -> HttpResponse:
    answer = redirect(name, *args)
    answer.status_code = 303
    return answer
