"""Requests about access in admin: the list of what waits, and the page where a second administrator decides."""

import uuid

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from clinic_site.accounts import grants
from clinic_site.accounts.authority import Refused
from clinic_site.accounts.models import AccessChange
from clinic_site.audit.admin import ReadOnlyAdmin, as_text


@admin.register(AccessChange)
class AccessChangeAdmin(ReadOnlyAdmin):
    view_permission = "admin.manage"
    list_display = ("asked_at", "what", as_text("person"), as_text("clinic"), as_text("asked_by"), "outcome")
    list_select_related = ("person", "clinic", "asked_by")
    list_filter = ("outcome",)
    shown = (
        "what",
        as_text("person"),
        "address_now",
        "new_email",
        as_text("clinic"),
        "words",
        as_text("asked_by"),
        "asked_at",
        "outcome",
        as_text("decided_by"),
        "decided_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(clinic_id__in=self.user(request).clinics_with("admin.manage"))

    @admin.display(description="asked for")
    def what(self, change: AccessChange) -> str:
        return change.get_role_display() if change.role else change.get_kind_display()

    @admin.display(description="their email address")
    def address_now(self, change: AccessChange) -> str:
        return change.person.email

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<uuid:change_id>/decide/", decide, name="accounts_accesschange_decide"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict, *args, **kwargs):  # type: ignore[no-untyped-def]
        change = kwargs.get("obj")
        if change is not None:
            context |= {
                "may_approve": change.is_open and request.user.pk not in (change.asked_by_id, change.person_id),
                "may_decline": change.is_open and request.user.pk != change.person_id,
                "is_asker": request.user.pk == change.asked_by_id,
                "title": str(change),
                "subtitle": None,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def decide(self, request: HttpRequest, change_id: uuid.UUID) -> HttpResponse:
        """Agrees or declines. The service locks, checks, does and records it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not self.get_queryset(request).filter(pk=change_id).exists():
            raise Http404
        by = self.user(request)
        try:
            if request.POST.get("do") == "approve":
                grants.approve(change_id, by=by, join_address=request.build_absolute_uri(reverse("join")))
                messages.success(request, "Approved. It is in effect now.")
            else:
                grants.decline(change_id, by=by)
                messages.success(request, "Declined. Nothing changed.")
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect(reverse("admin:accounts_accesschange_change", args=[change_id]))
