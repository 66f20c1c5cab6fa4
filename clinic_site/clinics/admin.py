import datetime
import re
import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from clinic_site.accounts.models import Membership
from clinic_site.audit.admin import AuditedAdmin
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import WEEKDAYS, Clinic, check_holidays, check_states


class HoursField(forms.CharField):
    """Opening hours, one line a day. Its value is {weekday: [opens, closes]}; a day left out is closed."""

    widget = forms.Textarea(attrs={"rows": 7, "cols": 30})
    _line = re.compile(r"(\w+)\s+(\d{1,2}:\d\d)\s*(?:-|–|to)\s*(\d{1,2}:\d\d)")

    def to_python(self, value: Any) -> dict[str, list[str]]:  # type: ignore[override]
        hours: dict[str, list[str]] = {}
        for line in (super().to_python(value) or "").splitlines():
            if line.strip():
                day, opens, closes = self._read(line.strip())
                if day in hours:
                    raise forms.ValidationError(f"Write {day.title()} once.")
                hours[day] = [opens, closes]
        return {day: hours[day] for day in WEEKDAYS if day in hours}

    def _read(self, line: str) -> tuple[str, str, str]:
        found = self._line.fullmatch(line)
        day, *span = found.groups() if found else ("", "", "")
        try:
            opens, closes = (datetime.time.fromisoformat(time.zfill(5)) for time in span)
        except ValueError:
            opens = closes = datetime.time()
        if day.lower() not in WEEKDAYS or opens >= closes:
            raise forms.ValidationError(
                f"“{line}” is not understood. Write a day and its hours, for example Monday 09:00-17:00."
            )
        return day.lower(), f"{opens:%H:%M}", f"{closes:%H:%M}"

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{day.title()} {opens}-{closes}" for day, (opens, closes) in value.items())
        return value


class WordsField(forms.CharField):
    """A list of short words, apart by commas, blanks or lines."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return list(
            dict.fromkeys(word.lower() for word in re.split(r"[\s,;]+", super().to_python(value) or "") if word)
        )

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class DatesField(WordsField):
    widget = forms.Textarea(attrs={"rows": 6, "cols": 30})

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return sorted(super().to_python(value))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class ClinicForm(forms.ModelForm):
    time_zone = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())])
    hours = HoursField(
        required=False, help_text="A line for each day, for example Monday 09:00-17:00. Leave closed days out."
    )
    holidays = DatesField(
        required=False,
        validators=[check_holidays],
        help_text="Days on which nobody is there, one a line, for example 2026-12-25.",
    )
    licensed_states = WordsField(
        label="States licensed",
        validators=[check_states],
        help_text="Two letters each, apart by commas, for example ny, nj.",
    )

    class Meta:
        model = Clinic
        fields = (
            "name",
            "slug",
            "is_accepting",
            "phone",
            "alert_email",
            "time_zone",
            "hours",
            "holidays",
            "licensed_states",
            "crisis_text",
            "crisis_text_review_by",
        )


@admin.register(Clinic)
class ClinicAdmin(AuditedAdmin):
    view_permission = "admin.access"
    change_permission = "admin.manage"
    form = ClinicForm
    list_display = ("name", "slug", "phone", "is_accepting", "crisis_text_review_by")
    list_filter = ("is_accepting",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_accepting", "licensed_states")}),
        ("How to reach it", {"fields": ("phone", "alert_email", "time_zone", "hours", "holidays")}),
        ("For people in danger", {"fields": ("crisis_text", "crisis_text_review_by")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clinic]:
        """The clinics this person works for; the others' phone and alert address are not theirs to see or set."""
        return super().get_queryset(request).filter(pk__in=self.user(request).clinics_with(self.view_permission))

    def has_change_permission(self, request: HttpRequest, obj: Clinic | None = None) -> bool:
        return self.user(request).may(self.change_permission, obj.pk if obj is not None else None)

    def save_model(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> None:
        """A clinic is run by whoever added it, until they grant the role to others."""
        super().save_model(request, obj, form, change)
        if not change:
            user = self.user(request)
            Membership.objects.create(user=user, clinic=obj, role="administrator", origin=Membership.Origin.FOUNDER)
            record([audit_event("role.granted", clinic_id=obj.pk, entity=user, user=user, role="administrator")])
