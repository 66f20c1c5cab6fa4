"""The pages of the review.

Queue, look-up, case, and what can be done to a case. Each reads within the user's clinics and leaves an audit entry.
"""

import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.tampering import report_unopened
from intake.models import Patient
from intake.services import name_index
from screening.case_page import build_case_page
from screening.forms import OBSERVATION_FORMS, CloseFlagForm, FindPatientForm, SignDecisionForm
from screening.models import Case, ObservationKind
from screening.presentation import case_context, contact_context, queue_row
from screening.queue import VIEWS, queue_page
from screening.review import (
    Refused,
    claim_case,
    close_flag,
    record_observation,
    release_case,
    sign_decision,
    signing_blockers,
)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _case(request: HttpRequest, reference: str, permission: str) -> Case:
    """The case within the user's clinics, or 404: foreign and missing look the same."""
    cases = Case.objects.for_user(_user(request), permission)
    case = cases.filter(reference=reference).with_record().first()
    if case is None:
        raise Http404
    return case


def _address(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


@require_safe
@transaction.atomic
def queue(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    view = request.GET.get("view", "open")
    page = queue_page(user, view=view if view in VIEWS else "open", after=request.GET.get("after", ""))
    shown = [case.reference for case in page.cases]
    clinics = sorted(user.clinics_with("case.list"))
    record(
        [
            audit_event(
                "queue.read",
                clinic_id=clinics[0] if len(clinics) == 1 else None,
                user=user,
                address=_address(request),
                cases=shown,
            )
        ]
    )
    context = {
        "cases": [queue_row(case) for case in page.cases],
        "view": view if view in VIEWS else "open",
        "next_cursor": page.next_cursor,
        "total_label": page.total_label,
        "may_read": user.may("case.read"),
    }
    return render(request, "screening/queue.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def find(request: HttpRequest) -> HttpResponse:
    """Looks a person up by exact legal name and date of birth.

    Posted, so that no name stands in an address or a log.
    """
    user = _user(request)
    form = FindPatientForm(request.POST or None)
    results: list[Any] | None = None
    if request.method == "POST" and form.is_valid():
        names = (form.cleaned_data["given_name"], form.cleaned_data["family_name"])
        born = form.cleaned_data["date_of_birth"].isoformat()
        match = Q()
        for clinic_id in user.clinics_with("case.contact"):
            match |= Q(clinic_id=clinic_id, name_and_birth_index=name_index(clinic_id, *names, born))
        found = (
            Patient.objects.for_user(user, "case.contact").filter(match).select_related("response__case__owner")[:20]
        )
        results = [queue_row(patient.response.case) for patient in found]
        where: dict[str, Any] = {"user": user, "address": _address(request)}
        record(
            [
                audit_event("patient.searched", clinic_id=None, found=len(found), **where),
                *(audit_event("patient.found", clinic_id=p.clinic_id, entity=p.response.case, **where) for p in found),
            ]
        )
    status = 422 if request.method == "POST" and not form.is_valid() else 200
    return render(request, "screening/find.html", {"form": form, "results": results}, status=status)


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
    may_read = user.may("case.read", shown.clinic_id)
    _record_read(request, shown, "case.read" if may_read else "case.contact-read")
    context: dict[str, Any] = {"notice": notice}
    if may_read:
        page = build_case_page(shown)
        context |= case_context(shown, page, user, signing_blockers(shown, page), bound or {})
    else:
        context |= contact_context(shown, user)
    _report_lost(request, context)
    for what, form in (bound or {}).items():
        if what not in _forms_on_page(context):
            typed = form.data.get("words", "")
            return _refused(request, shown.reference, "This can not be sent any more: the case has changed.", typed)
    with timezone.override(zoneinfo.ZoneInfo(shown.response.clinic.time_zone)):
        return render(request, f"screening/{'case' if may_read else 'case_contact'}.html", context, status=status)


def _report_lost(request: HttpRequest, context: dict[str, Any]) -> None:
    if context["lost"]:
        report_unopened(context["lost"], user=_user(request), address=_address(request))


def _record_read(request: HttpRequest, shown: Case, action: str) -> None:
    user, address = _user(request), _address(request)
    record(
        [
            audit_event(
                action,
                clinic_id=shown.clinic_id,
                entity=shown,
                user=user,
                address=address,
                reference=shown.reference,
            )
        ]
    )


def _forms_on_page(context: dict[str, Any]) -> set[Any]:
    """What can be filled in, by the keys of `bound`."""
    flags = {flag["id"] for flag in context.get("flags", []) if flag["form"]}
    decision = {"decision"} if context.get("decision_form") else set()
    return flags | decision


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
        report_unopened([error], user=_user(request), address=_address(request))
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
    shown = _case(request, reference, permission)
    form = form_class(request.POST if request.method == "POST" else None, today=shown.response.clinic.today())
    if not form.is_valid():
        typed = form.data.get("note", "")
        if not shown.is_open:
            return _refused(request, reference, "This case is decided. Record this in a new case.", typed)
        with transaction.atomic():
            _record_read(request, shown, "case.contact-read")
            context = {**contact_context(shown, _user(request)), "form": form, "title": ObservationKind(kind).label}
            _report_lost(request, context)
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
