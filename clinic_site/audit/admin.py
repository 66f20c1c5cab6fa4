"""The base of every ModelAdmin: permissions by role and an audit entry for everything read or written."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property

from clinic_site.accounts.models import User
from clinic_site.audit.models import PAGE_SAVED, AuditEvent
from clinic_site.audit.reading import visible_to
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from clinic_site.records.rows import ClinicRow


class CappedPaginator(Paginator):
    """Pages through the newest rows and counts no further: counting a large table costs more than showing a page."""

    newest = 2000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows[: self.newest].count()


class AuditedAdmin(admin.ModelAdmin):
    """Permissions by role, nothing deleted, and an audit entry in the transaction of every list, page and change.

    The page is rendered inside the transaction too: what the audit can not record is not shown.
    """

    view_permission = ""
    change_permission = ""
    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50

    def user(self, request: HttpRequest) -> User:
        if not isinstance(request.user, User):
            raise PermissionDenied
        return request.user

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.user(request).may(self.view_permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.change_permission) and self.user(request).may(self.change_permission)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Addresses filter by the listed filters alone; or a password's hash could be guessed letter by letter."""
        return lookup.split("__")[0] in self.list_filter

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with transaction.atomic():
            answer = super().changelist_view(request, extra_context)
            if isinstance(answer, TemplateResponse) and answer.context_data and "cl" in answer.context_data:
                self._note_list(request, answer.context_data["cl"].result_list)
                answer.render()
        return answer

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with transaction.atomic():
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            if isinstance(answer, TemplateResponse) and answer.context_data:
                if answer.context_data.get("errors"):
                    answer.status_code = 422
                if answer.context_data.get("original") is not None:
                    self.note(request, "admin.read", answer.context_data["original"])
                answer.render()
        return answer

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit trail is the only history."""
        if not self.user(request).may("audit.read"):
            raise PermissionDenied
        return redirect(f"{reverse('admin:audit_auditevent_changelist')}?q={object_id}")

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Names of fields only: Django's own message would hold names of people."""
        return {"fields": list(form.changed_data)}

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> None:  # type: ignore[override]
        self.note(request, "admin.added", obj, **message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> None:  # type: ignore[override]
        self.note(request, "admin.changed", obj, **message)

    def _note_list(self, request: HttpRequest, shown: Sequence[models.Model]) -> None:
        """An entry for each clinic of which a row is on the page; one without a clinic for what belongs to none."""
        by_clinic: dict[uuid.UUID | None, list[models.Model]] = {}
        for row in shown:
            by_clinic.setdefault(_clinic_of(row), []).append(row)
        record(
            [
                audit_event(
                    "admin.listed",
                    clinic_id=clinic_id,
                    user=self.user(request),
                    listed=sorted({reference for row in rows if (reference := _reference_of(row))}),
                    model=self.opts.label_lower,
                    rows=[str(row.pk) for row in rows],
                )
                for clinic_id, rows in (by_clinic or {None: []}).items()
            ]
        )

    def note(self, request: HttpRequest, action: str, entity: models.Model | None = None, **detail: Any) -> None:
        record(
            [
                audit_event(
                    action,
                    clinic_id=_clinic_of(entity),
                    entity=entity,
                    user=self.user(request),
                    reference=_reference_of(entity),
                    **detail,
                )
            ]
        )


def _clinic_of(entity: models.Model | None) -> uuid.UUID | None:
    return entity.pk if isinstance(entity, Clinic) else getattr(entity, "clinic_id", None)


def _reference_of(row: models.Model | None) -> str:
    """Of the person's record that a row is part of; empty where it is of nobody."""
    about = row
    for part_of in ("case", "response"):
        if not hasattr(about, "reference"):
            about = getattr(about, part_of, None)
    return getattr(about, "reference", "") if isinstance(row, ClinicRow) else ""


class ReadOnlyAdmin(AuditedAdmin):
    """Rows that are read and never written here. A new column stays out until `shown` names it."""

    shown: Sequence[Any] = ()
    sortable_by = ()
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Whole references and keys only, which an index answers; nothing is searched by its parts."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q()
        for name in self.get_search_fields(request):
            wanted |= Q(**{name: term}) | Q(**{name: term.upper()})
        try:
            return queryset.filter(wanted), False
        except ValidationError:
            # Not a key at all, so that no row can have it.
            return queryset.none(), False


class ClinicRowAdmin(ReadOnlyAdmin):
    """Clinical rows, for those who read every case of the row's clinic. Sealed columns are never named in these
    classes.
    """

    view_permission = "case.read-any"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(clinic_id__in=self.user(request).clinics_with(self.view_permission))

    def has_view_permission(self, request: HttpRequest, obj: ClinicRow | None = None) -> bool:
        return self.user(request).may(self.view_permission, obj.clinic_id if obj is not None else None)


def as_text(name: str, label: str = "") -> Callable[[models.Model], str]:
    """A related row by its name, without the link to its own page, which most readers may not open."""

    @admin.display(description=label or name.replace("_", " "))
    def shown(row: models.Model) -> str:
        return str(getattr(row, name) or "–")

    return shown


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    view_permission = "audit.read"
    list_display = ("recorded_at", "action", as_text("user"), as_text("clinic"), "entity_type", "reference", "address")
    list_select_related = ("user", "clinic")
    list_filter = ("actor",)
    search_fields = ("reference", "entity_id")
    search_help_text = (
        "The whole reference of a record, or the key of a row: everything that was read or changed of it."
    )
    shown = (
        "recorded_at",
        "actor",
        as_text("user"),
        "role",
        "action",
        "data",
        as_text("clinic"),
        "entity_type",
        "entity_id",
        "reference",
        "listed",
        "why",
        "detail",
        "address",
        "route",
        "request_id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return visible_to(self.user(request)).order_by(*self.ordering)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By reference or by key: pages that a patient saved have a reference, and no index by their key."""
        term = search_term.strip()
        try:
            found = queryset.exclude(action=PAGE_SAVED).filter(entity_id=term) if term else queryset
        except ValidationError:
            found = queryset.filter(reference=term.upper())
        return found, False
