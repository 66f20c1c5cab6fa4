from django.contrib import admin
from django.urls import include, path

from clinic_site import views
from intake.views import help_now

urlpatterns = [
    path("", views.home, name="home"),
    path("help-now/", help_now, name="help-now"),
    path("", include("clinic_site.accounts.urls")),
    path("review/", include("screening.urls")),
    path("admin/", admin.site.urls),
    path("", include("intake.urls")),
]
handler400 = "clinic_site.views.bad_request"
