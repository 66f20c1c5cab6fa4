from django.contrib import admin
from django.urls import include, path

from clinic_site import views
from clinic_site.accounts.views import ChangePassword, SignIn, SignOut
from intake.views import help_now

urlpatterns = [
    path("", views.home, name="home"),
    path("help-now/", help_now, name="help-now"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("password/", ChangePassword.as_view(), name="password"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
    path("review/", include("screening.urls")),
    path("audit/", include("clinic_site.audit.urls")),
    path("admin/", admin.site.urls),
    path("", include("intake.urls")),
]
handler400 = "clinic_site.views.bad_request"
