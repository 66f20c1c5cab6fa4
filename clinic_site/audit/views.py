"""The auditor's page: the whole trail of their clinics, newest first. Reading it leaves an entry as well."""

import uuid
import zoneinfo
from datetime import timedelta
from typing import Any, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_site.accounts.models import User
from clinic_site.audit.catalogue import kind_of
from clinic_site.audit.forms import TrailForm
from clinic_site.audit.reading import filtered, page_of, plot_of, visible_to
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic

_DAYS_AT_FIRST = 7


@require_safe
@transaction.atomic
def trail(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    own = Clinic.objects.filter(id__in=user.clinics_with("audit.read")).order_by("name")
    zone = zoneinfo.ZoneInfo(own[0].time_zone if own else "UTC")
    today = timezone.now().astimezone(zone).date()
    asked: dict[str, Any] = {"start": today - timedelta(days=_DAYS_AT_FIRST - 1), "end": today, **request.GET.dict()}
    form = TrailForm(asked, user=user)
    if not form.is_valid():
        _record(user, {})
        return render(request, "audit/trail.html", {"form": form}, status=422)
    wanted = form.cleaned_data
    events = filtered(visible_to(user), wanted, zone)
    page = page_of(events, before=_key(request.GET.get("before", "")))
    rows = [{"event": event, "says": kind_of(event.action).says} for event in page.events]
    _record(user, wanted)
    context = {
        "form": form,
        "rows": rows,
        "plot": plot_of(events, wanted, zone),
        "next_query": _query(form, page.next_before),
        "several_clinics": len(own) > 1,
    }
    with timezone.override(zone):
        return render(request, "audit/trail.html", context)


def _key(text: str) -> uuid.UUID | None:
    """The key of the last entry of the page before; the first page for anything else."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _query(form: TrailForm, before: uuid.UUID | None) -> list[tuple[str, str]]:
    """The fields of the form for the next page, none when this one is the last."""
    if before is None:
        return []
    return [*((name, str(form.data.get(name, ""))) for name in form.fields), ("before", str(before))]


def _record(user: User, wanted: dict[str, Any]) -> None:
    """Who looked for what, by keys and codes."""
    asked = {name: str(getattr(value, "pk", value)) for name, value in wanted.items() if value and name != "reference"}
    clinics = sorted(user.clinics_with("audit.read"))
    record(
        [
            audit_event(
                "audit.read",
                clinic_id=clinics[0] if len(clinics) == 1 else None,
                user=user,
                reference=wanted.get("reference", ""),
                asked=asked,
            )
        ]
    )
