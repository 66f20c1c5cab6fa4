"""What clinicians and the front desk fill in."""

import datetime
import logging
import re
from typing import Any

import phonenumbers
from crispy_forms.helper import FormHelper
from django import forms
from django.http import QueryDict

from clinic_site.records.text import normalised
from screening.break_glass import LEAST_REASON
from screening.models import HandBackReason, ObservationKind, Outcome, ReasonCode

log = logging.getLogger(__name__)
LEAST_WORDS = 10


class StaffForm(forms.Form):
    """A form that is laid out inside a page's own <form>."""

    def __init__(self, data: QueryDict | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(_normalised(data), *args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def clean(self) -> dict[str, Any]:
        """A value that comes twice could be read as one by us and as the other by somebody else.

        What the form does not ask for decides nothing. That it came is logged: by number, since its name is the
        sender's.
        """
        if foreign := set(self.data) - {self.add_prefix(name) for name in self.fields} - {"csrfmiddlewaretoken"}:
            log.warning("%s was sent %s fields that it does not ask for.", type(self).__name__, len(foreign))
        if isinstance(self.data, QueryDict):
            for name in self.fields:
                if len(self.data.getlist(self.add_prefix(name))) > 1:
                    self.add_error(name, "This came more than once. Fill it in once.")
        return self.cleaned_data


def _normalised(data: QueryDict | None) -> QueryDict | None:
    if not isinstance(data, QueryDict):
        return data
    cleaned = QueryDict(mutable=True)
    for name, values in data.lists():
        cleaned.setlist(name, [normalised(value) for value in values])
    return cleaned


def _words(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        min_length=LEAST_WORDS,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": "Write at least a short sentence, so that the next reader understands."},
    )


class CloseFlagForm(StaffForm):
    """Its page is templates/screening/close_flag.html."""

    reason = forms.ChoiceField(label="Reason", choices=[("", "Choose a reason"), *ReasonCode.choices])
    words = _words("In your words")


class SignDecisionForm(StaffForm):
    """Its page is templates/screening/sign_decision.html."""

    outcome = forms.ChoiceField(choices=Outcome.choices)
    words = _words("Rationale")
    shown_sha256 = forms.CharField(min_length=64, max_length=64)


class HandBackForm(StaffForm):
    """`owner` is whose case it was on the screen, so that nobody loses a case that they took meanwhile."""

    owner = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.ChoiceField(
        label="Reason",
        choices=[("", "Choose a reason"), *HandBackReason.choices],
        error_messages={"required": "Choose why it is handed back."},
    )


class BreakGlassForm(StaffForm):
    reason = forms.CharField(
        label="Why do you need to open it?",
        min_length=LEAST_REASON,
        max_length=2000,
        help_text="For example: the patient is on the phone and the owner can not be reached.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": "Write why you need to open this case.",
            "min_length": f"Write a reason of at least {LEAST_REASON} characters, so that it can be understood later.",
        },
    )


class FindPatientForm(StaffForm):
    """Two exact identifiers: a date of birth, and a full legal name, a phone number or a reference.

    With more than one of these each must be right. Afterwards `cleaned_data["phone"]` is E.164.
    """

    given_name = forms.CharField(label="Legal first name", max_length=200, required=False)
    family_name = forms.CharField(label="Legal last name", max_length=200, required=False)
    phone = forms.CharField(label="or phone number", max_length=40, required=False)
    reference = forms.CharField(
        label="or reference", max_length=20, required=False, help_text="Eight letters and digits: 7QK2-M9XD"
    )
    date_of_birth = forms.DateField(
        label="Date of birth",
        help_text="Year, month, day: 1985-03-27",
        error_messages={"invalid": "Write the date as 1985-03-27."},
    )

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        try:
            number = phonenumbers.parse(typed, "US") if typed else None
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError("Enter the whole number with its area code: 212 555 0100.") from error
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""

    def clean_reference(self) -> str:
        """In capitals with its dash, however it was read out."""
        letters = re.sub(r"[\s-]", "", self.cleaned_data["reference"]).upper()
        return f"{letters[:4]}-{letters[4:]}" if letters else ""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        names = [name for name in ("given_name", "family_name") if given.get(name)]
        if len(names) == 1:
            missing = "family_name" if names == ["given_name"] else "given_name"
            self.add_error(missing, "Enter the first and the last name.")
        elif not names and not self.errors and not given.get("phone") and not given.get("reference"):
            raise forms.ValidationError("Enter a name, a phone number or a reference beside the date of birth.")
        return given


class ObservationForm(StaffForm):
    """The base of what staff record: the day it was true and a note. `facts` gives the values that rules read."""

    kind: ObservationKind
    observed_on = forms.DateField(
        label="On",
        help_text="Year, month, day: 2026-11-23",
        error_messages={"invalid": "Write the date as 2026-11-23."},
    )
    note = forms.CharField(label="Note", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, today: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, initial={"observed_on": today}, **kwargs)
        self.today = today

    def clean_observed_on(self) -> datetime.date:
        day = self.cleaned_data["observed_on"]
        if not self.today - datetime.timedelta(days=365) <= day <= self.today:
            raise forms.ValidationError("Choose a day in the past year, not in the future.")
        return day

    def facts(self) -> dict[str, str | float]:
        raise NotImplementedError


class IdentityForm(ObservationForm):
    kind = ObservationKind.IDENTITY
    verified = forms.ChoiceField(
        label="Photo ID checked against name and date of birth",
        choices=[("yes", "Yes, it matches"), ("no", "No, it does not match")],
        widget=forms.RadioSelect,
    )
    field_order = ["verified", "observed_on", "note"]

    def facts(self) -> dict[str, str | float]:
        return {"identity_verified": self.cleaned_data["verified"]}


class BloodPressureForm(ObservationForm):
    kind = ObservationKind.BLOOD_PRESSURE
    systolic = forms.DecimalField(label="Systolic (mmHg)", min_value=40, max_value=350)
    diastolic = forms.DecimalField(label="Diastolic (mmHg)", min_value=20, max_value=250)
    field_order = ["systolic", "diastolic", "observed_on", "note"]

    def facts(self) -> dict[str, str | float]:
        return {
            "systolic_mmhg": float(self.cleaned_data["systolic"]),
            "diastolic_mmhg": float(self.cleaned_data["diastolic"]),
        }


class BodyForm(ObservationForm):
    kind = ObservationKind.BODY
    height_cm = forms.DecimalField(label="Height (cm)", min_value=100, max_value=250)
    weight_kg = forms.DecimalField(label="Weight (kg)", min_value=25, max_value=400)
    field_order = ["height_cm", "weight_kg", "observed_on", "note"]

    def facts(self) -> dict[str, str | float]:
        return {"height_cm": float(self.cleaned_data["height_cm"]), "weight_kg": float(self.cleaned_data["weight_kg"])}


class CssrsForm(ObservationForm):
    """The result of an interview that a trained person held; the scale itself is not shown, for its licence."""

    kind = ObservationKind.CSSRS
    highest_ideation = forms.TypedChoiceField(
        label="Highest ideation item answered yes, past month",
        choices=[("", "Choose"), *((str(number), f"{number} of 5" if number else "None (0)") for number in range(6))],
        coerce=float,
        help_text="From an interview by a trained person, on the licensed form.",
    )
    field_order = ["highest_ideation", "observed_on", "note"]

    def facts(self) -> dict[str, str | float]:
        return {"cssrs_highest_ideation_past_month": self.cleaned_data["highest_ideation"]}


class LiverTestsForm(ObservationForm):
    kind = ObservationKind.LIVER_TESTS
    times_upper_limit = forms.DecimalField(
        label="Higher of ALT and AST, as a multiple of the laboratory’s upper limit",
        min_value=0,
        max_value=500,
        decimal_places=2,
        help_text="For example 2.5 when ALT is 100 and the upper limit is 40.",
    )
    field_order = ["times_upper_limit", "observed_on", "note"]

    def facts(self) -> dict[str, str | float]:
        return {"alt_or_ast_times_upper_limit": float(self.cleaned_data["times_upper_limit"])}


# Which permission records which kind.
OBSERVATION_FORMS: dict[str, tuple[type[ObservationForm], str]] = {
    ObservationKind.IDENTITY.value: (IdentityForm, "observation.identity"),
    ObservationKind.BLOOD_PRESSURE.value: (BloodPressureForm, "observation.reading"),
    ObservationKind.BODY.value: (BodyForm, "observation.reading"),
    ObservationKind.CSSRS.value: (CssrsForm, "observation.interview"),
    ObservationKind.LIVER_TESTS.value: (LiverTestsForm, "observation.reading"),
}
