from django.contrib import admin

from clinic_site.audit.admin import ClinicRowAdmin, as_text
from clinic_site.publishing.admin import DocumentVersionAdmin
from screening.models import Assessment, Case, Decision, DetectedIssue, Disposition, Observation, RuleSetVersion


@admin.register(RuleSetVersion)
class RuleSetVersionAdmin(DocumentVersionAdmin):
    pass


@admin.register(Case)
class CaseAdmin(ClinicRowAdmin):
    list_display = ("reference", as_text("clinic"), "status", "severity", "holds", "submitted_at", as_text("owner"))
    list_select_related = ("clinic", "owner")
    list_filter = ("status",)
    search_fields = ("reference",)
    search_help_text = "A whole reference, for example 7QK2-M9XD."
    shown = (
        "id",
        "reference",
        as_text("clinic"),
        "response",
        "status",
        "severity",
        "rule_ids",
        "holds",
        "opened_at",
        "submitted_at",
        as_text("owner"),
        "closed_at",
    )


class CasePartAdmin(ClinicRowAdmin):
    """Rows of a case, found by its reference."""

    search_fields = ("case__reference",)
    search_help_text = "The whole reference of a case, for example 7QK2-M9XD."


@admin.register(Assessment)
class AssessmentAdmin(CasePartAdmin):
    list_display = (as_text("case"), "stage", "highest_tier", "assessed_at")
    list_select_related = ("case",)
    list_filter = ("stage",)
    shown = (
        "id",
        "case",
        "rule_set",
        "stage",
        "engine",
        "result_sha256",
        "highest_tier",
        "assessed_at",
        "assessed_on",
    )


@admin.register(DetectedIssue)
class DetectedIssueAdmin(CasePartAdmin):
    list_display = (as_text("case"), "rule_id", "tier", "status", "hold")
    list_select_related = ("case",)
    shown = (
        "id",
        "case",
        "assessment",
        "rule_id",
        "tier",
        "status",
        "hold",
        "worst_case_assumed",
        "caused_by",
        "settled_by",
    )


@admin.register(Observation)
class ObservationAdmin(CasePartAdmin):
    list_display = (as_text("case"), "kind", "observed_on", as_text("recorded_by"))
    list_select_related = ("case", "recorded_by")
    list_filter = ("kind",)
    shown = ("id", "case", "kind", "observed_on", as_text("recorded_by"), "recorded_at")


@admin.register(Disposition)
class DispositionAdmin(CasePartAdmin):
    list_display = (as_text("case"), as_text("issue", "flag"), "reason", as_text("by"), "at")
    list_select_related = ("case", "issue", "by")
    list_filter = ("reason",)
    shown = ("id", "case", "issue", "reason", as_text("by"), "at")


@admin.register(Decision)
class DecisionAdmin(CasePartAdmin):
    list_display = (as_text("case"), "outcome", as_text("signed_by"), "signed_at")
    list_select_related = ("case", "signed_by")
    list_filter = ("outcome",)
    shown = ("id", "case", "assessment", "outcome", "shown_sha256", as_text("signed_by"), "signed_at")
