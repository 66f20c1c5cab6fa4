from collections import defaultdict
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.audit.admin import AuditedAdmin
from clinic_site.clinics.models import Clinic

# Roles are data in roles.yaml; Django's groups grant nothing here.
admin.site.unregister(Group)
# allauth's own tables: factors are managed by their owners, and addresses are ours.
admin.site.unregister([EmailAddress, Authenticator])


def check_separation(codes: set[str]) -> None:
    """Nobody both hands out roles and sees patients' cases in one clinic. The ValidationError names the two roles."""
    known = roles()
    managing = sorted(code for code in codes if "admin.manage" in known[code].may)
    clinical = sorted(code for code in codes if "case.list" in known[code].may)
    if managing and clinical:
        raise ValidationError(
            f"Nobody can be {known[managing[0]].label} and {known[clinical[0]].label} at the same clinic. "
            "Choose one of the two."
        )


class MembershipFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        """Checks the roles as they will stand. The person is locked against a second administrator."""
        super().clean()
        held: dict[Any, set[str]] = defaultdict(set)
        if not self.instance._state.adding:
            User.objects.select_for_update().get(pk=self.instance.pk)
            removed = {form.instance.pk for form in self.deleted_forms}
            for membership in Membership.objects.filter(user=self.instance).exclude(pk__in=removed):
                held[membership.clinic_id].add(membership.role)
        for form in self.extra_forms:
            clinic, role = form.cleaned_data.get("clinic"), form.cleaned_data.get("role")
            if clinic is None or role is None or form in self.deleted_forms:
                continue
            if role in held[clinic.pk]:
                raise ValidationError(f"{roles()[role].label} at {clinic} is there already.")
            held[clinic.pk].add(role)
        for codes in held.values():
            check_separation(codes & roles().keys())


class MembershipInline(admin.TabularInline):
    """Roles are granted and taken away, never turned into another; administrators see those of their own clinics."""

    model = Membership
    formset = MembershipFormSet
    fields = ("clinic", "role")
    extra = 0
    verbose_name = "role"
    verbose_name_plural = "roles"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        clinics = _user(request).clinics_with("admin.manage")
        return super().get_queryset(request).filter(clinic_id__in=clinics).select_related("clinic", "user")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "clinic":
            kwargs["queryset"] = Clinic.objects.filter(pk__in=_user(request).clinics_with("admin.manage")).order_by(
                "name"
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "clinic" and field is not None:
            field.widget.can_add_related = field.widget.can_change_related = field.widget.can_view_related = False
        return field

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _user(request).may("admin.manage")

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _user(request).may("admin.manage") and obj != _user(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self.has_add_permission(request, obj)


class PersonForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("name", "email")

    def clean_email(self) -> str:
        """As signing in looks it up."""
        return self.cleaned_data["email"].lower()


class NewPersonForm(PersonForm):
    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


class FirstPasswordForm(AdminPasswordChangeForm):
    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["password1"].help_text = format_html(
            "This is a first password, for the person to replace. It can be set here once.{}",
            password_validators_help_text_html(),
        )


@admin.register(User)
class PersonAdmin(AuditedAdmin, UserAdmin):
    """People and their roles. Whoever also works where the administrator manages nothing keeps name and access."""

    view_permission = "admin.manage"
    change_permission = "admin.manage"
    form = PersonForm
    add_form = NewPersonForm
    add_form_template = None
    change_password_form = FirstPasswordForm
    inlines = (MembershipInline,)
    list_display = ("name", "email", "is_active", "roles_here")
    list_filter = ("is_active",)
    filter_horizontal = ()
    search_fields = ("name", "email")
    ordering = ("name",)
    fieldsets = ((None, {"fields": ("name", "email", "is_active", "signing_in", "last_login", "created_at")}),)
    add_fieldsets = ((None, {"fields": ("name", "email")}),)
    readonly_fields = ("signing_in", "last_login", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        clinics = self.user(request).clinics_with("admin.manage")
        here = (
            Membership.objects.filter(clinic_id__in=clinics).select_related("clinic").order_by("clinic__name", "role")
        )
        own = Q(memberships__clinic_id__in=clinics) | Q(memberships=None)
        people = super().get_queryset(request).filter(own).distinct()
        return people.prefetch_related(Prefetch("memberships", queryset=here, to_attr="here"))

    @admin.display(description="roles")
    def roles_here(self, person: Any) -> str:
        return "; ".join(f"{membership.get_role_display()}, {membership.clinic}" for membership in person.here) or "–"

    @admin.display(description="password")
    def signing_in(self, person: User) -> str | SafeString:
        if person._state.adding:
            return "–"
        if person.has_usable_password():
            return "Set. Nobody but its owner can change it here."
        return format_html(
            'None yet: nobody can sign in as this person. <a href="{}">Set a first password</a>',
            reverse("admin:auth_user_password_change", args=[person.pk]),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = list(super().get_readonly_fields(request, obj))
        if obj is not None and not self._is_only_theirs(request, obj):
            fixed += ["name", "email", "is_active"]
        elif obj == request.user:
            fixed += ["is_active"]
        return fixed

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for action, memberships in (("role.granted", formset.new_objects), ("role.revoked", formset.deleted_objects)):
            for membership in memberships:
                self.note(request, action, form.instance, clinic=str(membership.clinic_id), role=membership.role)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """A first password only, so that no administrator can come to sign in as somebody who already works here."""
        person = self.get_object(request, id)
        if person is not None and not self._may_set_first_password(request, person):
            raise PermissionDenied
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def _may_set_first_password(self, request: HttpRequest, person: User) -> bool:
        return (
            self.has_change_permission(request, person)
            and person != request.user
            and not person.has_usable_password()
            and self._is_only_theirs(request, person)
        )

    def _is_only_theirs(self, request: HttpRequest, person: User) -> bool:
        """Whether the person works nowhere that the administrator does not manage."""
        clinics = self.user(request).clinics_with("admin.manage")
        return not Membership.objects.filter(user=person).exclude(clinic_id__in=clinics).exists()


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
