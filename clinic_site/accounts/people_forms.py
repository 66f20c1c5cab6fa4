"""The forms with which administrators ask for, agree to and end access of others."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminEmailInputWidget, AdminTextareaWidget, AdminTextInputWidget

from clinic_site.accounts.leaving import Reason
from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import role_choices
from clinic_site.clinics.models import Clinic


class _InClinics(forms.Form):
    """A form about one of the clinics that the administrator manages."""

    clinic = forms.ModelChoiceField(queryset=Clinic.objects.none(), empty_label=None)

    def __init__(self, administrator: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managed = Clinic.objects.filter(pk__in=administrator.clinics_with("admin.manage")).order_by("name")
        self.fields["clinic"].queryset = managed  # type: ignore[attr-defined]


class AskForRolesForm(_InClinics):
    roles = forms.MultipleChoiceField(
        choices=role_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nobody is Administrator and sees patients at once, at any clinic.",
    )


class InviteForm(AskForRolesForm):
    name = forms.CharField(
        max_length=120, widget=AdminTextInputWidget, help_text="As it stands under a signature: Dr. Ada Example."
    )
    email = forms.EmailField(
        label="Email address",
        max_length=254,
        widget=AdminEmailInputWidget,
        help_text="Their own, that nobody else reads. Check it twice.",
    )
    field_order = ("name", "email", "clinic", "roles")

    def clean_email(self) -> str:
        """As signing in looks it up."""
        return self.cleaned_data["email"].lower()


class NewStartForm(_InClinics):
    words = forms.CharField(
        label="How did you make sure who is asking?",
        min_length=15,
        max_length=500,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="For example: she came to my desk and showed her badge. A call or a mail alone is not enough.",
    )
    new_email = forms.EmailField(
        label="New email address",
        required=False,
        max_length=254,
        widget=AdminEmailInputWidget,
        help_text="Only if the old one no longer works.",
    )

    def clean_new_email(self) -> str:
        return self.cleaned_data["new_email"].lower()


class EndingForm(forms.Form):
    reason = forms.ChoiceField(choices=Reason.choices, widget=forms.RadioSelect)
