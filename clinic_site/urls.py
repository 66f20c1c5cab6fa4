from django.contrib import admin
from django.urls import include, path

from clinic_site import browser_reports, health, views
from intake.views import help_now

urlpatterns = [
    path("", views.home, name="home"),
    path("help-now/", help_now, name="help-now"),
    path("browser-report/", browser_reports.take, name="browser-report"),
    # Without a slash at the end, as those who watch programs ask for them.
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("clinic_site.accounts.urls")),
    path("review/", include("screening.urls")),
    path("audit/", include("clinic_site.audit.urls")),
    path("admin/", admin.site.urls),
    path("", include("intake.urls")),
]
handler400 = "clinic_site.views.bad_request"
