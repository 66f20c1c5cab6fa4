from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic_site.clinics.models import Clinic
from clinic_site.records.identifiers import uuid7
from clinic_site.records.rows import append_only


class Actor(models.TextChoices):
    PATIENT = "patient"
    STAFF = "staff"
    SYSTEM = "system"


class AuditEvent(models.Model):
    """Who read or changed which record, when and from where.

    Written in the transaction of what it tells of; never holds an answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    recorded_at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=10, choices=Actor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    action = models.CharField(max_length=60)
    entity_type = models.CharField(max_length=40)
    entity_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["clinic", "-id"], name="audit_event_by_clinic"),
            models.Index(fields=["entity_id", "-id"], name="audit_event_by_entity"),
            models.Index(fields=["user", "-id"], condition=Q(user__isnull=False), name="audit_event_by_user"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
