from django.urls import path

from clinic_site.accounts import factor_views, joining, password_views, views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/passkey/", views.sign_in_with_passkey, name="sign-in-passkey"),
    path("sign-in/second/", views.second_step, name="sign-in-second"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("join/", joining.join, name="join"),
    path("passkey/options/", views.passkey_options, name="passkey-options"),
    path("confirm/", views.confirm, name="confirm"),
    path("confirm/passkey/", views.confirm_with_passkey, name="confirm-passkey"),
    path("sessions/", views.my_sessions, name="sessions"),
    path("password/", password_views.ChangePassword.as_view(), name="password"),
    path("password/forgotten/", password_views.forgotten, name="password-forgotten"),
    path("password/new/", password_views.new_password, name="password-new"),
    path("factors/", factor_views.factors, name="factors"),
    path("factors/app/", factor_views.app, name="factor-app"),
    path("factors/app/picture/", factor_views.app_picture, name="factor-app-picture"),
    path("factors/passkey/", factor_views.passkey, name="factor-passkey"),
    path("factors/passkey/options/", factor_views.passkey_registration_options, name="factor-passkey-options"),
    path("factors/codes/", factor_views.recovery_codes, name="factor-codes"),
    path("factors/<int:pk>/remove/", factor_views.remove, name="factor-remove"),
]
