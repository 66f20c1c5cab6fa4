"""What admin shows of a published document, whichever kind it is."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from clinic_site.audit.admin import ReadOnlyAdmin, as_text
from clinic_site.publishing.models import DocumentVersion


class DocumentVersionAdmin(ReadOnlyAdmin):
    """Read as it was written, file by file. Content changes by publishing, never by editing a row."""

    view_permission = "content.read"
    list_display = ("document_id", "label", "number", "status", "published_at")
    list_filter = ("status",)
    shown = (
        "document_id",
        "label",
        "number",
        "status",
        "published_at",
        as_text("published_by"),
        "sha256",
        "files",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("canonical", "source")

    @admin.display(description="files, as written")
    def files(self, version: DocumentVersion) -> SafeString:
        return format_html_join(
            "",
            # A text area wraps long lines without a style sheet of ours; browsers drop its first line break.
            "<details><summary>{0}</summary>"
            '<textarea readonly cols="75" rows="30" aria-label="{0}">\n{1}</textarea></details>',
            sorted(version.source.items()),
        )
