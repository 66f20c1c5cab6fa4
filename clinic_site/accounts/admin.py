"""People in admin: who works here, and the pages with which one administrator asks for what a second must agree to."""

import uuid
from collections.abc import Callable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin  # noqa: F401 - registers groups, which are taken away below
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from clinic_site.accounts import (
    grants,
    leaving,
    requests_admin,  # noqa: F401 - registers the requests beside the people
)
from clinic_site.accounts.authority import Refused, lock_administrator, lock_person, manages_everywhere, people_of
from clinic_site.accounts.invitations import open_invitation, send_invitation, withdraw_invitation
from clinic_site.accounts.models import AccessChange, Membership, User
from clinic_site.accounts.people_forms import AskForRolesForm, EndingForm, InviteForm, NewStartForm
from clinic_site.accounts.sessions import end_sessions
from clinic_site.audit.admin import AuditedAdmin

# Roles are data in roles.yaml; Django's groups grant nothing here.
admin.site.unregister(Group)
# allauth's own tables: factors are managed by their owners, and addresses are ours.
admin.site.unregister([EmailAddress, Authenticator])

_WAITS = "Asked for. It takes effect when another administrator agrees, under Requests."


@admin.register(User)
class PersonAdmin(AuditedAdmin):
    """People and their roles.

    Nothing about somebody's access is edited in a form: each change is a step of its own, most with two people.
    """

    view_permission = "admin.manage"
    change_permission = "admin.manage"
    list_display = ("name", "email", "is_active", "roles_here")
    list_filter = ("is_active",)
    search_fields = ("name", "email")
    ordering = ("name",)
    fields = ("name", "email", "is_active", "signing_in", "last_login", "created_at")
    readonly_fields = ("email", "is_active", "signing_in", "last_login", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        clinics = self.user(request).clinics_with("admin.manage")
        here = (
            Membership.objects.filter(clinic_id__in=clinics).select_related("clinic").order_by("clinic__name", "role")
        )
        people = super().get_queryset(request).filter(pk__in=people_of(self.user(request)))
        return people.prefetch_related(Prefetch("memberships", queryset=here, to_attr="here"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People are invited."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Whoever also works where the administrator manages nothing keeps their name."""
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed if obj is None or manages_everywhere(obj, self.user(request)) else [*fixed, "name"]

    @admin.display(description="roles")
    def roles_here(self, person: Any) -> str:
        return "; ".join(f"{held.get_role_display()}, {held.clinic}" for held in person.here) or "–"

    @admin.display(description="password")
    def signing_in(self, person: User) -> str:
        if person.has_usable_password():
            return "Chosen by its owner. Nobody else can set or read it."
        return "None: the person has not used an invitation yet, or has left."

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(address, self.admin_site.admin_view(view), name=f"accounts_user_{name}")

        return [
            page("invite/", self.invite, "invite"),
            page("<uuid:person_id>/role/", self.ask_for_role, "role"),
            page("<uuid:person_id>/role/<uuid:membership_id>/end/", self.end_role, "end_role"),
            page("<uuid:person_id>/new-start/", self.ask_for_new_start, "new_start"),
            page("<uuid:person_id>/leaving/", self.end_work, "leaving"),
            page("<uuid:person_id>/invitation/", self.change_invitation, "invitation"),
            page("<uuid:person_id>/sessions/", self.end_sessions, "sessions"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        if person is not None:
            mine = self.user(request).clinics_with("admin.manage")
            waiting = AccessChange.objects.filter(person=person, outcome="", clinic_id__in=mine)
            extra_context = {
                **(extra_context or {}),
                "roles_held": person.here,
                "requests": waiting.select_related("person", "clinic", "asked_by").order_by("asked_at"),
                "invitation": open_invitation(person),
                "is_oneself": person == request.user,
                "title": person.name,
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, extra_context)

    # ── the steps ──────────────────────────────────────────────────────────────────────────────────────────────────

    def invite(self, request: HttpRequest) -> HttpResponse:
        form = InviteForm(self.user(request), _sent(request))

        def do(asked: dict[str, Any]) -> str:
            grants.invite(
                name=asked["name"],
                email=asked["email"],
                clinic_id=asked["clinic"].pk,
                codes=asked["roles"],
                by=self.user(request),
            )
            return f"{_WAITS} Then the invitation is mailed."

        return self._step(request, None, form, "Invite somebody", "Ask for an account and its roles", do)

    def ask_for_role(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        person = self._person(request, person_id)
        form = AskForRolesForm(self.user(request), _sent(request))

        def do(asked: dict[str, Any]) -> str:
            by = self.user(request)
            new = grants.ask_for_roles(person, clinic_id=asked["clinic"].pk, codes=asked["roles"], by=by)
            return _WAITS if new else "All of this is held or asked for already."

        return self._step(request, person, form, f"A role for {person}", "Ask for these roles", do)

    def ask_for_new_start(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        person = self._person(request, person_id)
        form = NewStartForm(self.user(request), _sent(request))

        def do(asked: dict[str, Any]) -> str:
            grants.ask_for_new_start(
                person,
                clinic_id=asked["clinic"].pk,
                words=asked["words"],
                new_email=asked["new_email"],
                by=self.user(request),
            )
            return _WAITS

        explained = (
            "For whoever has lost their second step or their mail. When another administrator agrees, password and "
            "second steps are removed, the person is signed out everywhere and gets a link to begin again. "
            "For a forgotten password alone this is not needed: the sign-in page helps."
        )
        return self._step(request, person, form, f"A new start for {person}", "Ask for a new start", do, explained)

    def end_role(self, request: HttpRequest, person_id: uuid.UUID, membership_id: uuid.UUID) -> HttpResponse:
        person = self._person(request, person_id)
        held = next((held for held in person.here if held.pk == membership_id), None)
        if held is None and request.method != "POST":
            raise Http404

        def do(asked: dict[str, Any]) -> str:
            # Only what this administrator sees of this person; else it is gone already, or never was theirs to end.
            if held is None or not leaving.end_role(held.pk, reason=asked["reason"], by=self.user(request)):
                return "This role had ended already."
            return "The role has ended. Open cases of theirs wait in the queue again."

        what = held.get_role_display() if held else "A role"
        explained = "It ends on the person’s next click. Cases they work on go back to the queue."
        form = EndingForm(_sent(request))
        return self._step(request, person, form, f"{what} ends for {person}", "End this role", do, explained)

    def end_work(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        person = self._person(request, person_id)

        def do(asked: dict[str, Any]) -> str:
            if not leaving.end_work(person, reason=asked["reason"], by=self.user(request)):
                return "Everything had ended already."
            return "Everything has ended. Open cases of theirs wait in the queue again."

        explained = (
            "All roles and requests at your clinics end, the person is signed out everywhere, and cases they work on "
            "go back to the queue. If they work nowhere else, the account is shut. What they wrote and signed stays."
        )
        form = EndingForm(_sent(request))
        return self._step(request, person, form, f"{person} leaves", "End all access", do, explained)

    def change_invitation(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        def do(person: User, by: User) -> str:
            if person.has_usable_password() or not person.here:  # type: ignore[attr-defined]
                return "There is no invitation to change."
            if request.POST.get("do") == "withdraw":
                return "Withdrawn." if withdraw_invitation(person, by=by) else "There was none."
            clinic_id = person.here[0].clinic_id  # type: ignore[attr-defined]
            send_invitation(person, clinic_id=clinic_id, by=by, join_address=_join_address(request))
            return "A new link is on its way. The one before no longer works."

        return self._press(request, person_id, do)

    def end_sessions(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        def do(person: User, by: User) -> str:
            ended = end_sessions(person)
            self.note(request, "staff.sessions-ended", person, sessions=ended)
            return f"Signed out everywhere ({ended})."

        return self._press(request, person_id, do)

    # ── what the steps share ───────────────────────────────────────────────────────────────────────────────────────

    def _person(self, request: HttpRequest, person_id: uuid.UUID) -> Any:
        """Whoever is not this administrator's to see is not there."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        person = self.get_queryset(request).filter(pk=person_id).first()
        if person is None:
            raise Http404
        return person

    @transaction.atomic
    def _step(
        self,
        request: HttpRequest,
        person: User | None,
        form: forms.Form,
        title: str,
        button: str,
        do: Callable[[dict[str, Any]], str],
        explained: str = "",
    ) -> HttpResponse:
        """One page with one form: shown, or done and back to the person."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    said = do(form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, said)
                if person is None or not self.get_queryset(request).filter(pk=person.pk).exists():
                    return redirect("admin:accounts_user_changelist")
                return redirect(_address(person))
        self.note(request, "admin.read", person, page=request.resolver_match.url_name if request.resolver_match else "")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "person": person,
            "form": form,
            "button": button,
            "explained": explained,
        }
        answer = TemplateResponse(request, "admin/step.html", context, status=422 if form.errors else 200)
        return answer.render()

    @transaction.atomic
    def _press(self, request: HttpRequest, person_id: uuid.UUID, do: Callable[[Any, User], str]) -> HttpResponse:
        """One button on the person's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        person, by = self._person(request, person_id), self.user(request)
        try:
            if person == by:
                raise Refused("Your own sessions are on your own page.")
            for clinic_id in sorted({held.clinic_id for held in person.here}):
                lock_administrator(by, clinic_id)
            lock_person(person.pk)
            messages.success(request, do(person, by))
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect(_address(person))


def _sent(request: HttpRequest) -> Any:
    """What a form was sent with, also when that is nothing at all."""
    return request.POST if request.method == "POST" else None


def _address(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


def _join_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("join"))
