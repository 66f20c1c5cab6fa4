from django.contrib import admin
from django.urls import include, path

from clinic_site import browser_reports, health, views
from clinic_site.accounts.joining import join
from clinic_site.accounts.views import ChangePassword, SignIn, SignOut
from intake.views import help_now

urlpatterns = [
    path("", views.home, name="home"),
    path("help-now/", help_now, name="help-now"),
    path("browser-report/", browser_reports.take, name="browser-report"),
    # Without a slash at the end, as those who watch programs ask for them.
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("join/", join, name="join"),
    path("password/", ChangePassword.as_view(), name="password"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
    path("review/", include("screening.urls")),
    path("audit/", include("clinic_site.audit.urls")),
    path("admin/", admin.site.urls),
    path("", include("intake.urls")),
]
handler400 = "clinic_site.views.bad_request"
