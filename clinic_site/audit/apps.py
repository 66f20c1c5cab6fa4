from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "clinic_site.audit"
