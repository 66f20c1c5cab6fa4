from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from clinic_site.clinics.models import Clinic
from clinic_site.records.identifiers import uuid7
from clinic_site.records.rows import append_only


class Actor(models.TextChoices):
    PATIENT = "patient"
    STAFF = "staff"
    SYSTEM = "system"


# The kind of entry that a page of a questionnaire leaves.
PAGE_SAVED = "response.page-saved"


class AuditEvent(models.Model):
    """Who read or changed which record, in which role, by which page, when, why and from where.

    Written in the transaction of what it tells of; never holds an answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No foreign keys in the database: each entry would lock the rows of the clinic and of the user that it names.
    clinic = models.ForeignKey(
        Clinic, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    recorded_at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=10, choices=Actor)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    role = models.CharField(max_length=160, blank=True, default="", help_text="Held at that clinic at that moment.")
    action = models.CharField(max_length=60)
    data = ArrayField(models.CharField(max_length=40), default=list, help_text="Classes of data that it opened.")
    entity_type = models.CharField(max_length=40)
    entity_id = models.UUIDField(null=True)
    reference = models.CharField(max_length=9, blank=True, default="", help_text="The person's record it is about.")
    listed = ArrayField(
        models.CharField(max_length=9), default=list, help_text="Records of which a list showed a line."
    )
    why = models.CharField(max_length=60, blank=True, default="")
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    route = models.CharField(max_length=100, blank=True, default="")
    request_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["clinic", "-id"], name="audit_event_by_clinic"),
            models.Index(fields=["user", "-id"], condition=Q(user__isnull=False), name="audit_event_by_user"),
            # Saved pages are most of all entries, and are asked for by the record that they belong to.
            models.Index(fields=["entity_id", "-id"], condition=~Q(action=PAGE_SAVED), name="audit_event_by_entity"),
            models.Index(fields=["action", "-id"], condition=~Q(action=PAGE_SAVED), name="audit_event_by_action"),
            models.Index(fields=["reference", "-id"], condition=~Q(reference=""), name="audit_event_by_reference"),
            GinIndex(fields=["listed"], condition=~Q(listed=[]), name="audit_event_by_listed"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


class AuditSeal(models.Model):
    """The place of one entry in the chain of its clinic, bound to the entry before by a keyed hash.

    Written by the worker, so that no request waits for the one before it. `form` says over which columns the hash goes.
    """

    # No foreign key in the database: it would lock and rewrite every entry once more.
    event = models.OneToOneField(
        AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="seal", db_constraint=False
    )
    chain = models.UUIDField(help_text="The clinic; all zeros for entries of the installation.")
    sequence = models.PositiveBigIntegerField(help_text="1, 2, 3 … without a gap.")
    form = models.PositiveSmallIntegerField()
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_seal_no_fork"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.chain} {self.sequence}"
