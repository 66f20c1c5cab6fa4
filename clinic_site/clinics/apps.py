from django.apps import AppConfig


class ClinicsConfig(AppConfig):
    name = "clinic_site.clinics"
