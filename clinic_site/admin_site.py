from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from clinic_site.accounts.models import User
from clinic_site.accounts.views import SignOut


class ClinicAdminSite(AdminSite):
    """Reference data, people and published content. Roles alone decide who may do what (`accounts/roles.yaml`)."""

    site_header = "Clinic administration"
    site_title = "Clinic administration"
    index_title = "Clinics, people and published content"
    enable_nav_sidebar = True

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Staff have one place to sign in. Whoever is signed in without access is told so, not asked again."""
        index = reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return redirect(index)
        if request.user.is_authenticated:
            raise PermissionDenied
        to = urlencode({REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME, index)})
        return redirect(f"{reverse('sign-in')}?{to}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return SignOut.as_view()(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Staff have one place for their password too."""
        return redirect("password")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Closed: no form here completes names, and this would list rows without an audit entry."""
        raise Http404

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Adds what the templates may link to: a link that would be refused is not shown."""
        user = request.user if isinstance(request.user, User) else None
        return {
            **super().each_context(request),
            "may_list_cases": user is not None and user.may("case.list"),
            "may_read_audit": user is not None and user.may("audit.read"),
        }
