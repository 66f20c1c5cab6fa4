from datetime import timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError

from clinic_site.accounts.models import User
from clinic_site.audit.catalogue import catalogue
from clinic_site.clinics.models import Clinic

MOST_DAYS = 366


class DateInput(forms.DateInput):
    input_type = "date"


class TrailForm(forms.Form):
    """What the auditor wants to see. Everything may be left blank but the days."""

    start = forms.DateField(label="From", widget=DateInput(format="%Y-%m-%d"))
    end = forms.DateField(label="To", widget=DateInput(format="%Y-%m-%d"))
    person = forms.EmailField(label="Email address of a member of staff", required=False)
    action = forms.ChoiceField(label="What was done", required=False)
    reference = forms.RegexField(
        r"^[0-9A-Za-z]{4}-[0-9A-Za-z]{4}$",
        label="Reference of a record",
        required=False,
        error_messages={"invalid": "Enter a whole reference, for example 7QK2-M9XD."},
    )
    clinic = forms.ModelChoiceField(Clinic.objects.none(), label="Clinic", required=False, empty_label="All")

    patients = forms.BooleanField(label="Also what patients did themselves", required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag, self.helper.disable_csrf = False, True
        named = sorted(catalogue().values(), key=lambda kind: kind.says)
        self.fields["action"].choices = [("", "Anything"), *((kind.action, kind.says) for kind in named)]  # type: ignore[attr-defined]
        clinics = Clinic.objects.filter(id__in=user.clinics_with("audit.read")).order_by("name")
        self.fields["clinic"].queryset = clinics  # type: ignore[attr-defined]

    def clean_person(self) -> User | None:
        email = self.cleaned_data["person"].lower()
        if not email:
            return None
        person = User.objects.filter(email=email).first()
        if person is None:
            raise ValidationError("Nobody has this address. Check the spelling.")
        return person

    def clean_reference(self) -> str:
        return self.cleaned_data["reference"].upper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and not timedelta(0) <= end - start < timedelta(days=MOST_DAYS):
            self.add_error("end", f"Choose a day on or after the first one, at most {MOST_DAYS} days in all.")
        return cleaned
