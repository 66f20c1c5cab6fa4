"""The pages of a patient. One view renders any page of any questionnaire."""

import logging
import uuid
import zoneinfo
from typing import Any

from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_site.audit import accounting
from clinic_site.audit.models import Actor
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from clinic_site.limits.addresses import client_address, network_of
from clinic_site.limits.bodies import takes_long_lists
from clinic_site.records import scope
from intake.access import (
    Ticket,
    counts_as_use,
    holds_open_pass,
    holds_pass,
    left_here,
    read_ticket,
    set_pass,
    unfinished_draft,
    uses_own_device,
)
from intake.answers import AnswerDocument
from intake.completeness import asked_pages, first_open_page, is_done, is_under_age
from intake.forms import PageForm
from intake.models import QuestionnaireResponse
from intake.opening import about, find_response, no_access, page_for_shut, refusal, see_other
from intake.pace import may_start, saves_too_often
from intake.presentation import (
    check_rows,
    continue_url,
    page_context,
    page_url,
    problems_of_form,
    problems_of_gaps,
    task_list,
)
from intake.published import NothingPublished, questionnaire_of
from intake.questionnaires import Page, Questionnaire
from intake.services import (
    HELP_REPLIES,
    AlreadySubmitted,
    ChangedElsewhere,
    Incomplete,
    SavedPage,
    record_help_reply,
    save_page,
    start_response,
    submit_response,
)
from intake.signals import answers_reviewed
from intake.truth import Truth

log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """The clinic's public address: what this is, and a button that starts a draft. Looking stores nothing."""
    clinic = Clinic.objects.filter(slug=slug).first()
    if clinic is None:
        raise Http404
    scope.go_on_within(scope.of_clinics(clinic.id))
    if request.method == "POST" and clinic.is_accepting:
        if not may_start(clinic, network_of(client_address(request))):
            return render(request, "429.html", status=429)
        try:
            response, token = start_response(clinic, language="en")
        except NothingPublished:
            log.error("No questionnaire is published: run manage.py publish_content.")
            return render(request, "503.html", status=503)
        started = redirect("intake:page", response.public_id, 1)
        set_pass(started, response, token, own_device="own_device" in request.POST)
        return started
    return render(request, "intake/start.html", {**about(clinic), "unfinished": unfinished_draft(request, clinic)})


def _context(response: QuestionnaireResponse) -> dict[str, Any]:
    saved = response.saved_at
    zone = zoneinfo.ZoneInfo(response.clinic.time_zone)
    local = saved.astimezone(zone).strftime("%-I:%M %p").lower() if saved else ""
    return {
        **about(response.clinic),
        "response": response,
        "language": response.language,
        "saved_at": local,
        "idle": True,
    }


@counts_as_use
@require_safe
def tasks(request: HttpRequest, public_id: str) -> HttpResponse:
    response = find_response(public_id)
    if refused := refusal(request, response):
        return refused
    questionnaire, document = questionnaire_of(response), response.document()
    if is_under_age(questionnaire, document, response.clinic.today()):
        return redirect("intake:stopped", public_id)
    return render(request, "intake/tasks.html", {**_context(response), **task_list(response, questionnaire, document)})


@takes_long_lists
@counts_as_use
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    response = find_response(public_id)
    ticket = read_ticket(request.POST.get("ticket", ""), public_id=public_id, page=number)
    may_open = holds_open_pass(request, response)
    if request.method == "POST" and (may_open or ticket) and saves_too_often(response, now=timezone.now()):
        return render(request, "429.html", status=429)
    if request.method == "POST" and (not response.is_draft if may_open else ticket):
        return late_page(request, public_id, number)
    if refused := refusal(request, response):
        return refused
    questionnaire, document = questionnaire_of(response), response.document()
    shown = _page_or_404(questionnaire, number)
    birth_page = questionnaire.page_of.get("date_of_birth")
    if is_under_age(questionnaire, document, response.clinic.today()) and shown is not birth_page:
        return redirect("intake:stopped", public_id)
    if request.method == "POST":
        return _save(request, response, questionnaire, document, shown, ticket)
    pages = asked_pages(questionnaire, document)
    if shown not in pages:
        return redirect("intake:tasks", public_id)
    form = PageForm(
        shown,
        document,
        language=response.language,
        today=response.clinic.today(),
        own_device=uses_own_device(request, response),
    )
    return _page(request, response, questionnaire, document, form, change="change" in request.GET, pages=pages)


def _page_or_404(questionnaire: Questionnaire, number: int) -> Page:
    if not 1 <= number <= len(questionnaire.pages):
        raise Http404
    return questionnaire.pages[number - 1]


def _page(
    request: HttpRequest,
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    form: PageForm,
    *,
    change: bool,
    pages: list[Page] | None = None,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    context = _context(response)
    pages = pages or asked_pages(questionnaire, document)
    context |= page_context(response, pages, form, change=change)
    context["ticket"] = Ticket(response.public_id, form.page.number, response.revision).sign()
    return render(request, "intake/page.html", {**context, **extra}, status=status)


def _save(
    request: HttpRequest,
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    shown: Page,
    ticket: Ticket | None,
) -> HttpResponse:
    """Saves what was posted, readable or not, and leads on.

    An unreadable answer is kept, and the page comes back saying what to do.
    """
    change = "change" in request.POST
    form = PageForm(
        shown,
        document,
        language=response.language,
        today=response.clinic.today(),
        data=request.POST,
        own_device=uses_own_device(request, response),
    )
    valid, is_new = form.is_valid(), not is_done(shown, document)
    if ticket is None:
        notice = _("This page was changed on the way. What you typed is here: press Save and continue.")
        return _page(request, response, questionnaire, document, form, change=change, status=400, notice=notice)
    try:
        saved = save_page(response, shown, form.replies(), loaded_revision=ticket.revision)
    except ChangedElsewhere:
        return _conflict(request, response, questionnaire, form, change=change)
    except AlreadySubmitted:
        return late_page(request, response.public_id, shown.number)
    response.revision, response.saved_at = saved.revision, timezone.now()
    if saved.emergency_rules:
        return see_other("intake:help_now", response.public_id)
    if is_under_age(questionnaire, saved.document, response.clinic.today()):
        return see_other("intake:stopped", response.public_id)
    if not valid:
        problems = problems_of_form(form)
        return _page(
            request, response, questionnaire, saved.document, form, change=change, status=422, problems=problems
        )
    if "add" in request.POST:
        return see_other(page_url(response, shown, change=change))
    if is_new and shown is questionnaire.page_of.get("phone"):
        # Once, as soon as there is a way to reach the person.
        return see_other("intake:ways", response.public_id)
    return _onward(response, saved, shown, change=change)


def _conflict(
    request: HttpRequest, response: QuestionnaireResponse, questionnaire: Questionnaire, form: PageForm, *, change: bool
) -> HttpResponse:
    """409.

    The same question was saved in another tab. Both answers are shown; saving again keeps the one typed here.
    """
    newest = find_response(response.public_id)
    document = newest.document()
    saved = [(field.label, answer.shown) for name, field in form.fields.items() if (answer := document.get(name))]
    notice = _("You saved this page in another tab or window. To keep what is below instead, press Save and continue.")
    return _page(
        request, newest, questionnaire, document, form, change=change, status=409, notice=notice, conflict=saved
    )


def _onward(response: QuestionnaireResponse, saved: SavedPage, shown: Page, *, change: bool) -> HttpResponse:
    later = questionnaire_of(response).pages[shown.number :]
    pages = (page for page in later if saved.asked[page.number] is not Truth.FALSE)
    if change:
        following = first_open_page((page for page in pages if page.item.enable_when), saved.document)
    else:
        following = next(pages, None)
    if following is None:
        return see_other("intake:check", response.public_id)
    # A change that opens a further question leads back to the check page once that is answered.
    return see_other(page_url(response, following, change=change))


def late_page(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """A page posted by a browser whose pass has ended. What was typed is kept, and nothing of the draft is shown."""
    response = find_response(public_id)
    questionnaire = questionnaire_of(response)
    shown = _page_or_404(questionnaire, number)
    ticket = read_ticket(request.POST.get("ticket", ""), public_id=public_id, page=number)
    form = PageForm(
        shown,
        AnswerDocument(),
        language=response.language,
        today=response.clinic.today(),
        data=request.POST,
    )
    if ticket is None and (response.is_draft or not holds_pass(request, response)):
        return no_access(request, response)
    try:
        revision = ticket.revision if ticket else 0
        saved = save_page(response, shown, form.replies(), loaded_revision=revision, late=True)
    except AlreadySubmitted:
        context = {**_context(response), "typed": form.typed(), "idle": False}
        return render(request, "intake/already_sent.html", context, status=409)
    if saved.emergency_rules:
        return see_other("intake:help_now", public_id)
    kept = not any(reply.too_long_to_keep for reply in form.replies().values())
    may_continue = holds_pass(request, response) and not left_here(request, response)
    context = {**_context(response), "kept": kept, "can_continue": kept and may_continue, "idle": False}
    return render(request, "intake/late.html", context, status=403)


@counts_as_use
@require_safe
def check(request: HttpRequest, public_id: str) -> HttpResponse:
    response = find_response(public_id)
    if refused := refusal(request, response):
        return refused
    return _check(request, response)


def _check(
    request: HttpRequest, response: QuestionnaireResponse, *, problems: list[Any] | None = None, status: int = 200
) -> HttpResponse:
    questionnaire, document = questionnaire_of(response), response.document()
    if is_under_age(questionnaire, document, response.clinic.today()):
        return redirect("intake:stopped", response.public_id)
    answered = answers_reviewed.send(
        QuestionnaireResponse, response=response, questionnaire=questionnaire, document=document
    )
    doubtful: list[Any] = [group for _receiver, groups in answered for group in groups or ()]
    rows = check_rows(response, questionnaire, document, doubtful=doubtful)
    context = {**_context(response), **rows, "idempotency_key": uuid.uuid4()}
    return render(request, "intake/check.html", {**context, "problems": problems}, status=status)


@counts_as_use
@require_POST
def submit(request: HttpRequest, public_id: str) -> HttpResponse:
    response = find_response(public_id)
    if not holds_open_pass(request, response):
        return page_for_shut(request, response)
    try:
        key = uuid.UUID(request.POST.get("idempotency_key", ""))
    except ValueError:
        problem = [
            ("#send", _("This page was changed on the way. Check your answers and press Send my answers again."))
        ]
        return _check(request, response, problems=problem, status=400)
    if is_under_age(questionnaire_of(response), response.document(), response.clinic.today()):
        return see_other("intake:stopped", public_id)
    try:
        submit_response(response, idempotency_key=key)
    except Incomplete as incomplete:
        return _check(request, response, problems=problems_of_gaps(response, incomplete.gaps), status=422)
    return see_other("intake:done", public_id)


@counts_as_use
@require_safe
def done(request: HttpRequest, public_id: str) -> HttpResponse:
    response = find_response(public_id)
    if not holds_open_pass(request, response):
        return page_for_shut(request, response)
    if response.is_draft:
        return redirect("intake:tasks", public_id)
    return render(request, "intake/done.html", _context(response))


@counts_as_use
@require_safe
@transaction.atomic
def who_looked(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which roles at the clinic opened this person's record, for the browser that sent it."""
    response = find_response(public_id)
    if not holds_open_pass(request, response):
        return page_for_shut(request, response)
    if response.is_draft:
        return redirect("intake:tasks", public_id)
    looks = accounting.who_looked(response.reference, zone=zoneinfo.ZoneInfo(response.clinic.time_zone))
    read = audit_event("accounting.read", clinic_id=response.clinic_id, entity=response, actor=Actor.PATIENT)
    record([read])
    return render(request, "intake/who_looked.html", {**_context(response), "looks": looks})


@counts_as_use
@require_safe
def stopped(request: HttpRequest, public_id: str) -> HttpResponse:
    """Under the clinic's age: nothing more is asked, and the way to a person is shown."""
    response = find_response(public_id)
    if refused := refusal(request, response):
        return refused
    birth_page = questionnaire_of(response).page_of.get("date_of_birth")
    change_url = reverse("intake:page", args=[public_id, birth_page.number]) if birth_page else None
    return render(request, "intake/stopped.html", {**_context(response), "change_url": change_url})


@require_http_methods(["GET", "HEAD", "POST"])
def help_now(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """The page for a person in danger. What it says is in the template; without a database it still says it."""
    context: dict[str, Any] = {"clinic": None, "language": "en"}
    try:
        response = find_response(public_id) if public_id else None
        # The button "back" after leaving in a hurry must not tell what was answered or where.
        shown = response is not None and not left_here(request, response)
        if response is not None and shown:
            context |= about(response.clinic)
        if response is not None and holds_pass(request, response):
            code = request.POST.get("reply", "")
            if code in HELP_REPLIES:
                record_help_reply(public_id, code=code)
                return see_other("intake:help_now_replied", public_id)
        if response is not None and shown and holds_pass(request, response):
            context |= {
                "reply_url": reverse("intake:help_now", args=[public_id]),
                "replied": request.resolver_match.url_name == "help_now_replied" if request.resolver_match else False,
                "continue_url": continue_url(response),
            }
    except (DatabaseError, Http404):
        log.warning("The help page was shown without the clinic's details.")
    return render(request, "intake/help_now.html", context)
