from django.urls import path

from clinic_site.audit import views

app_name = "audit"
urlpatterns = [path("", views.trail, name="trail")]
