from django.apps import AppConfig


class EncryptionConfig(AppConfig):
    name = "clinic_site.encryption"
