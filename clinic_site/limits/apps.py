from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "clinic_site.limits"
