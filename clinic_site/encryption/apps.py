from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EncryptionConfig(AppConfig):
    name = "clinic_site.encryption"

    def ready(self) -> None:
        from clinic_site.encryption import (
            checks,  # noqa: F401 - registers the checks of keys at start-up
            rotation,
        )

        post_migrate.connect(rotation.remember_when_migrated, sender=self)
