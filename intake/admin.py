from django.contrib import admin

from clinic_site.audit.admin import ClinicRowAdmin, as_text
from clinic_site.publishing.admin import DocumentVersionAdmin
from intake.models import Consent, QuestionnaireResponse, QuestionnaireVersion


@admin.register(QuestionnaireVersion)
class QuestionnaireVersionAdmin(DocumentVersionAdmin):
    pass


@admin.register(QuestionnaireResponse)
class QuestionnaireResponseAdmin(ClinicRowAdmin):
    list_display = ("reference", as_text("clinic"), "status", "started_at", "submitted_at")
    list_select_related = ("clinic",)
    list_filter = ("status",)
    search_fields = ("reference",)
    search_help_text = "A whole reference, for example 7QK2-M9XD."
    shown = (
        "id",
        "reference",
        as_text("clinic"),
        "questionnaire",
        "language",
        "status",
        "revision",
        "started_at",
        "saved_at",
        "submitted_at",
    )


@admin.register(Consent)
class ConsentAdmin(ClinicRowAdmin):
    list_display = (as_text("response"), "link_id", "version", "decision", "signed_at")
    list_select_related = ("response",)
    list_filter = ("decision",)
    search_fields = ("response__reference",)
    search_help_text = "A whole reference, for example 7QK2-M9XD."
    shown = ("id", "response", "link_id", "version", "language", "text_hash", "decision", "signed_at")
