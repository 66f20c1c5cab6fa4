from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic_site.publishing.documents import canonical_form, content_hash
from clinic_site.records.identifiers import uuid7
from clinic_site.records.rows import append_only


class Status(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    RETIRED = "retired"


# Content freezes when it leaves the draft; after that a row may only move on to the next status.
FROZEN = append_only(
    once="OLD.status <> 'draft'",
    unless_only=" OR ".join(
        f"OLD.{column} IS DISTINCT FROM NEW.{column}"
        for column in ("document_id", "label", "number", "source", "canonical", "sha256", "published_at")
    ),
)


class DocumentVersion(models.Model):
    """One version of a content document.

    `source` are its files as written, `canonical` what they say, `sha256` its identity.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    document_id = models.CharField(max_length=60)
    label = models.CharField(max_length=30, help_text="The version as its authors name it.")
    number = models.PositiveIntegerField(help_text="Counts the publications of this document.")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    source = models.JSONField()
    canonical = models.TextField()
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.document_id} {self.label} (publication {self.number})"

    def fill(self, source: dict[str, str], tree: Any) -> None:
        self.source, self.canonical, self.sha256 = source, canonical_form(tree), content_hash(tree)


def version_constraints(table: str) -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(fields=["document_id", "number"], name=f"{table}_number_once"),
        models.UniqueConstraint(
            fields=["document_id"], condition=Q(status=Status.PUBLISHED), name=f"{table}_one_published"
        ),
    ]
