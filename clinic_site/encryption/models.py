import os
from typing import Any

from django.db import models
from django.db.models import Q

from clinic_site.clinics.models import Clinic
from clinic_site.encryption import cipher
from clinic_site.records.identifiers import uuid7
from clinic_site.records.rows import ClinicRow, clinic_key


class KeyUse(models.TextChoices):
    MASTER = "master"
    DERIVATION = "derivation"


class InstallationKey(models.Model):
    """The fingerprint of a key that this database was written with, so that a start with other keys is refused."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    use = models.CharField(max_length=10, choices=KeyUse)
    fingerprint = models.CharField(max_length=12)
    since = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "fingerprint"], name="encryption_installationkey_once"),
            models.UniqueConstraint(
                fields=["use"],
                condition=Q(use=KeyUse.DERIVATION, retired_at__isnull=True),
                name="encryption_one_derivation_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use} key {self.fingerprint}"


class DataKey(ClinicRow):
    """The key of one patient's record, wrapped by the master key.

    Everything sealed about that patient names it; deleting it shreds the record.
    """

    wrapped = models.BinaryField(editable=False)
    master_key_id = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [clinic_key("encryption_datakey")]

    def __str__(self) -> str:
        return f"Data key {self.id}"

    @classmethod
    def generate(cls, clinic: Clinic) -> "DataKey":
        """A new unsaved key for one record of `clinic`."""
        key_id = uuid7()
        wrapped = cipher.wrap(os.urandom(32), key_id=key_id, clinic_id=clinic.id)
        return cls(id=key_id, clinic=clinic, wrapped=wrapped, master_key_id=cipher.master_key_id())

    def seal(self, value: Any, *, row: ClinicRow, label: str, like: bytes = b"") -> bytes:
        return cipher.seal(value, **self._place(row, label), like=like)

    def unseal(self, sealed: bytes | memoryview, *, row: ClinicRow, label: str, like: bytes = b"") -> Any:
        """The JSON value, or None when nothing was sealed. Raises cipher.CannotOpen."""
        return cipher.unseal(sealed, **self._place(row, label), like=like)

    def unseal_text(self, sealed: bytes | memoryview, *, row: ClinicRow, label: str) -> bytes:
        """The JSON text, empty when nothing was sealed. Raises cipher.CannotOpen."""
        return cipher.unseal_text(sealed, **self._place(row, label))

    def _place(self, row: ClinicRow, label: str) -> dict[str, Any]:
        return {
            "wrapped": self.wrapped,
            "key_id": self.id,
            "clinic_id": self.clinic_id,
            "label": label,
            "row_id": row.id,
        }
