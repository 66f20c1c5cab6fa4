"""The pages of the review.

Queue, look-up, case, and what can be done to a case. Each reads within the user's clinics and leaves an audit entry.
"""

import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.tampering import report_unopened
from screening.break_glass import break_glass
from screening.case_page import build_case_page, case_for
from screening.forms import (
    OBSERVATION_FORMS,
    BreakGlassForm,
    CloseFlagForm,
    FindPatientForm,
    HandBackForm,
    SignDecisionForm,
)
from screening.look_up import look_up, may_look_up_again
from screening.models import Case, ObservationKind
from screening.presentation import case_context, contact_context, queue_row
from screening.queue import VIEWS, queue_page
from screening.relation import glass_open_until, is_related, may_read
from screening.review import (
    Refused,
    claim_case,
    close_flag,
    record_observation,
    release_case,
    release_case_of_other,
    sign_decision,
    signing_blockers,
)
from screening.same_name import note_same_name


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _case(request: HttpRequest, reference: str, permission: str) -> Case:
    """The case within the user's clinics, or 404: foreign and missing look the same."""
    case = case_for(_user(request), permission, reference)
    if case is None:
        raise Http404
    return case


@require_safe
@transaction.atomic
def queue(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    view = request.GET.get("view", "open")
    page = queue_page(user, view=view if view in VIEWS else "open", after=request.GET.get("after", ""))
    # An entry for each clinic, also for one of which nothing is shown.
    clinics = sorted(user.clinics_with("case.list"))
    shown = {clinic_id: [c.reference for c in page.cases if c.clinic_id == clinic_id] for clinic_id in clinics}
    record(
        [audit_event("queue.read", clinic_id=clinic_id, user=user, listed=shown[clinic_id]) for clinic_id in clinics]
    )
    context = {
        "cases": [queue_row(case) for case in page.cases],
        "view": view if view in VIEWS else "open",
        "age_label": "Opened before" if view == "done" else "Waiting",
        "next_cursor": page.next_cursor,
        "total_label": page.total_label,
        "may_read": user.may("case.read"),
    }
    return render(request, "screening/queue.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def find(request: HttpRequest) -> HttpResponse:
    """Looks a person up by date of birth and one more exact identifier.

    Posted, so that no name stands in an address or a log.
    """
    user = _user(request)
    form = FindPatientForm(request.POST if request.method == "POST" else None)
    results, status, too_often = None, 422 if form.is_bound else 200, False
    if form.is_valid():
        too_often = not may_look_up_again(user)
        status = 429 if too_often else 200
    if status == 200 and form.is_bound:
        results = [queue_row(case) for case in look_up(user, form.cleaned_data)]
    context = {"form": form, "results": results, "too_often": too_often}
    return render(request, "screening/find.html", context, status=status)


@require_safe
@transaction.atomic
def case(request: HttpRequest, reference: str) -> HttpResponse:
    return _case_page(request, _case(request, reference, "case.contact"))


def _case_page(
    request: HttpRequest, shown: Case, *, status: int = 200, notice: str = "", bound: dict[Any, Any] | None = None
) -> HttpResponse:
    """The whole case for those who may read answers, the contact page for the front desk.

    `bound` are forms with errors, by what they are for.
    """
    user = _user(request)
    reads_cases = user.may("case.read", shown.clinic_id)
    if reads_cases and not may_read(shown, user):
        typed = "".join(form.data.get("words", "") for form in (bound or {}).values())
        return _not_yours(request, shown, typed)
    _record_read(request, shown, "case.read" if reads_cases else "case.contact-read")
    context: dict[str, Any] = {"notice": notice, "hand_back_form": None}
    if reads_cases:
        page = build_case_page(shown)
        context |= case_context(shown, page, user, signing_blockers(shown, page), bound or {})
        if shown.is_open and shown.owner_id not in (None, user.id) and user.may("case.release-any", shown.clinic_id):
            empty = HandBackForm(initial={"owner": shown.owner_id})
            context["hand_back_form"] = (bound or {}).get("hand-back", empty)
    else:
        context |= contact_context(shown, user)
    _report_lost(request, context)
    note_same_name(shown, user, context["person"]["name"])
    for what, form in (bound or {}).items():
        if what not in _forms_on_page(context):
            typed = form.data.get("words", "")
            return _refused(request, shown.reference, "This can not be sent any more: the case has changed.", typed)
    with timezone.override(zoneinfo.ZoneInfo(shown.response.clinic.time_zone)):
        return render(request, f"screening/{'case' if reads_cases else 'case_contact'}.html", context, status=status)


def _not_yours(request: HttpRequest, shown: Case, typed: str) -> HttpResponse:
    """To the page where a clinician gives a reason; a form that was sent is answered with whatever was typed."""
    if request.method == "POST":
        return _refused(request, shown.reference, "This case is not yours. Open it with a reason first.", typed)
    return redirect("screening:break_glass", reference=shown.reference)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def open_case_of_others(request: HttpRequest, reference: str) -> HttpResponse:
    """Breaking the glass: a reason first, then the case. Who the case is about does not stand here yet."""
    shown = _case(request, reference, "case.break-glass")
    form = BreakGlassForm(request.POST if request.method == "POST" else None)
    if may_read(shown, _user(request)):
        return redirect("screening:case", reference=reference)
    if not form.is_valid():
        context = {"case": shown, "open": shown.is_open, "owner": shown.owner, "form": form}
        return render(
            request, "screening/open_case_of_others.html", context, status=422 if request.method == "POST" else 200
        )
    break_glass(shown.id, user=_user(request), reason=form.cleaned_data["reason"])
    return redirect("screening:case", reference=reference)


def _report_lost(request: HttpRequest, context: dict[str, Any]) -> None:
    if context["lost"]:
        report_unopened(context["lost"], user=_user(request))


def _record_read(request: HttpRequest, shown: Case, action: str) -> None:
    user = _user(request)
    why = "break-glass" if not is_related(shown, user) and glass_open_until(shown) else ""
    record([audit_event(action, clinic_id=shown.clinic_id, entity=shown, user=user, why=why)])


def _forms_on_page(context: dict[str, Any]) -> set[Any]:
    """What can be filled in, by the keys of `bound`."""
    flags = {flag["id"] for flag in context.get("flags", []) if flag["form"]}
    decision = {"decision"} if context.get("decision_form") else set()
    return flags | decision | ({"hand-back"} if context.get("hand_back_form") else set())


def _refused(request: HttpRequest, reference: str, message: str, kept: str) -> HttpResponse:
    """What was asked can not be done; whatever was typed is on the page."""
    url = reverse("screening:case", args=[reference])
    context = {"message": message, "kept": kept, "case_url": url, "reference": reference}
    return render(request, "screening/conflict.html", context, status=409)


def _acted(
    request: HttpRequest, reference: str, act: Callable[[], Any], *, anchor: str = "", kept: str = ""
) -> HttpResponse:
    """Does one thing to a case and returns to it; a refusal is told, with whatever was typed."""
    try:
        act()
    except Refused as refusal:
        return _refused(request, reference, str(refusal), kept)
    except CannotOpen as error:
        report_unopened([error], user=_user(request))
        message = "A part of this record can not be opened, so this could not be done. The operator has been told."
        return _refused(request, reference, message, kept)
    return redirect(reverse("screening:case", args=[reference]) + anchor)


@require_POST
def claim(request: HttpRequest, reference: str) -> HttpResponse:
    shown = _case(request, reference, "case.claim")
    return _acted(request, reference, lambda: claim_case(shown.id, user=_user(request)))


@require_POST
def release(request: HttpRequest, reference: str) -> HttpResponse:
    shown = _case(request, reference, "case.claim")
    return _acted(request, reference, lambda: release_case(shown.id, user=_user(request)))


@require_POST
def release_any(request: HttpRequest, reference: str) -> HttpResponse:
    shown = _case(request, reference, "case.release-any")
    form = HandBackForm(request.POST)
    if not form.is_valid():
        with transaction.atomic():
            return _case_page(request, shown, status=422, bound={"hand-back": form})
    owner_id, reason = form.cleaned_data["owner"], form.cleaned_data["reason"]
    return _acted(
        request,
        reference,
        lambda: release_case_of_other(shown.id, user=_user(request), owner_id=owner_id, reason=reason),
    )


@require_POST
def close(request: HttpRequest, reference: str, issue_id: uuid.UUID) -> HttpResponse:
    shown = _case(request, reference, "flag.close")
    form = CloseFlagForm(request.POST)
    if not form.is_valid():
        with transaction.atomic():
            return _case_page(request, shown, status=422, bound={issue_id: form})
    return _acted(
        request,
        reference,
        lambda: close_flag(shown.id, issue_id, user=_user(request), **form.cleaned_data),
        anchor=f"#flag-{issue_id}",
        kept=form.cleaned_data["words"],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def observe(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """A form for what staff checked or measured, with who it is about."""
    if kind not in OBSERVATION_FORMS:
        raise Http404
    form_class, permission = OBSERVATION_FORMS[kind]
    shown, user = _case(request, reference, permission), _user(request)
    if user.may("case.read", shown.clinic_id) and not may_read(shown, user):
        return _not_yours(request, shown, request.POST.get("note", ""))
    form = form_class(request.POST if request.method == "POST" else None, today=shown.response.clinic.today())
    if not form.is_valid():
        typed = form.data.get("note", "")
        if not shown.is_open:
            return _refused(request, reference, "This case is decided. Record this in a new case.", typed)
        with transaction.atomic():
            _record_read(request, shown, "case.contact-read")
            context = {**contact_context(shown, user), "form": form, "title": ObservationKind(kind).label}
            _report_lost(request, context)
            note_same_name(shown, user, context["person"]["name"])
            return render(request, "screening/observe.html", context, status=422 if form.is_bound else 200)
    return _acted(
        request,
        reference,
        lambda: record_observation(
            shown.id,
            user=_user(request),
            kind=ObservationKind(kind),
            facts=form.facts(),
            note=form.cleaned_data["note"],
            observed_on=form.cleaned_data["observed_on"],
        ),
        kept=form.cleaned_data["note"],
    )


@require_POST
def sign(request: HttpRequest, reference: str) -> HttpResponse:
    shown = _case(request, reference, "decision.sign")
    form = SignDecisionForm(request.POST)
    if not form.is_valid():
        with transaction.atomic():
            return _case_page(request, shown, status=422, bound={"decision": form})
    return _acted(
        request,
        reference,
        lambda: sign_decision(shown.id, user=_user(request), **form.cleaned_data),
        anchor="#decisions",
        kept=form.cleaned_data["words"],
    )
