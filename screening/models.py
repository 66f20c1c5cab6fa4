import datetime
import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from clinic_site.accounts.models import ClinicScoped
from clinic_site.publishing.models import FROZEN, DocumentVersion, version_constraints
from clinic_site.records.composed import Given
from clinic_site.records.rows import ClinicRow, append_only, clinic_key
from intake.models import QuestionnaireResponse


class RuleSetVersion(DocumentVersion):
    """A published rule set. An assessment names the version that ran."""

    class Meta:
        constraints = version_constraints("screening_rulesetversion")
        triggers = FROZEN


class CaseStatus(models.TextChoices):
    UNFINISHED = "unfinished", "Intake not finished"
    WAITING = "waiting", "Waiting for review"
    IN_REVIEW = "in-review", "In review"
    MORE_INFORMATION = "more-information", "More information needed"
    DECIDED = "decided", "Decided"


# Each reads the few rows of one case, by an index that is there for the case page.
_TOOK_PART = """EXISTS (SELECT 1 FROM screening_caseevent e
    WHERE e.case_id = screening_case.id AND e.by_id = %s AND e.kind IN ('flag-closed', 'decided'))"""
_GLASS_ENDS_AT = """(SELECT max(g.ends_at) FROM screening_breakglass g
    WHERE g.case_id = screening_case.id AND g.by_id = %s)"""
_HAS_DISPOSITIONS = "EXISTS (SELECT 1 FROM screening_disposition d WHERE d.case_id = screening_case.id)"
_HAS_OBSERVATIONS = "EXISTS (SELECT 1 FROM screening_observation o WHERE o.case_id = screening_case.id)"
_AWAITS_SECOND = """EXISTS (SELECT 1 FROM screening_disposition d JOIN screening_detectedissue i ON i.id = d.issue_id
    WHERE d.case_id = screening_case.id AND i.tier = 'absolute' AND EXISTS (
        SELECT 1 FROM screening_assessment a JOIN screening_detectedissue n ON n.assessment_id = a.id
        WHERE n.fingerprint = d.fingerprint AND a.case_id = screening_case.id AND (a.stage = 'draft' OR a.id = (
            SELECT b.id FROM screening_assessment b WHERE b.case_id = screening_case.id
            ORDER BY b.stage DESC, b.id DESC LIMIT 1)))
    GROUP BY d.fingerprint HAVING count(DISTINCT d.by_id) = 1)"""


class CaseQuerySet(ClinicScoped):
    def with_record(self) -> "CaseQuerySet":
        """Cases as the case page needs them, in one statement.

        With the response, its clinic and data key, the owner, and of the newest assessment `newest_assessment_id`,
        `newest_rule_set_id` and `newest_assessed_at`. `has_dispositions` and `has_observations` spare those of the many
        new cases, which have none, a statement each.
        """
        # An alarm after sending is an assessment of a draft: the newest of the whole response stays in force. Written
        # out, because composing two subqueries costs more than the rest of the page's reading.
        newest = "(SELECT {} FROM screening_assessment WHERE case_id = screening_case.id ORDER BY {} LIMIT 1)"
        assessment_id, rule_set_id, assessed_at = (
            RawSQL(newest.format(column, "stage DESC, id DESC"), (), output_field=field)  # noqa: S611
            for column, field in (
                ("id", models.UUIDField()),
                ("rule_set_id", models.UUIDField()),
                ("assessed_at", models.DateTimeField()),
            )
        )
        related = ("response", "response__clinic", "response__data_key", "owner")
        return self.select_related(*related).annotate(
            newest_assessment_id=assessment_id,
            newest_rule_set_id=rule_set_id,
            newest_assessed_at=assessed_at,
            has_dispositions=RawSQL(_HAS_DISPOSITIONS, (), output_field=models.BooleanField()),  # noqa: S611
            has_observations=RawSQL(_HAS_OBSERVATIONS, (), output_field=models.BooleanField()),  # noqa: S611
        )

    def with_relation_to(self, user_id: uuid.UUID | Given) -> "CaseQuerySet":
        """Adds what `screening/relation.py` decides by: `took_part`, `awaits_second` and `glass_ends_at`."""
        return self.with_second_wanted().annotate(
            took_part=RawSQL(_TOOK_PART, (user_id,), output_field=models.BooleanField()),  # noqa: S611
            glass_ends_at=RawSQL(_GLASS_ENDS_AT, (user_id,), output_field=models.DateTimeField()),  # noqa: S611
        )

    def with_second_wanted(self) -> "CaseQuerySet":
        """Adds `awaits_second`: a listed ABSOLUTE flag was closed by one clinician and needs another."""
        return self.annotate(awaits_second=RawSQL(_AWAITS_SECOND, (), output_field=models.BooleanField()))  # noqa: S611


class Case(ClinicRow):
    """One person's review. It holds what the queue sorts on and nothing that says who the person is."""

    response = models.OneToOneField(QuestionnaireResponse, on_delete=models.PROTECT, related_name="case")
    reference = models.CharField(max_length=9)
    status = models.CharField(max_length=20, choices=CaseStatus)
    severity = models.PositiveSmallIntegerField(
        help_text="5 emergency, 4 absolute, 3 relative, 2 caution, 1 info, 0 nothing listed."
    )
    # A column, because row-level security lets an index answer for bare columns only: a sum could tell of hidden rows.
    least_severe = models.GeneratedField(
        expression=-F("severity"), output_field=models.SmallIntegerField(), db_persist=True
    )
    rule_ids = ArrayField(models.CharField(max_length=80), default=list)
    holds = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    closed_at = models.DateTimeField(null=True)

    # Filled by `with_record()` alone.
    newest_assessment_id: uuid.UUID | None
    newest_rule_set_id: uuid.UUID | None
    newest_assessed_at: datetime.datetime | None
    has_dispositions: bool
    has_observations: bool
    # Filled by `with_relation_to()`, the second by `with_second_wanted()` as well.
    took_part: bool
    awaits_second: bool
    glass_ends_at: datetime.datetime | None

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            clinic_key("screening_case"),
            models.UniqueConstraint(fields=["reference"], name="screening_case_reference_once"),
            models.CheckConstraint(
                condition=Q(status=CaseStatus.UNFINISHED, submitted_at__isnull=True)
                | (~Q(status=CaseStatus.UNFINISHED) & Q(submitted_at__isnull=False)),
                name="screening_case_unfinished_until_submitted",
            ),
        ]
        indexes = [
            # One ascending key, so that the next page of the queue is one comparison of rows.
            models.Index(
                fields=["clinic", "least_severe", "opened_at", "id"],
                condition=~Q(status=CaseStatus.DECIDED),
                name="screening_case_queue",
            ),
            models.Index(
                fields=["owner", "least_severe", "opened_at", "id"],
                condition=~Q(status=CaseStatus.DECIDED),
                name="screening_case_mine",
            ),
            models.Index(
                F("clinic"),
                F("closed_at").desc(),
                F("id").desc(),
                condition=Q(status=CaseStatus.DECIDED),
                name="screening_case_decided",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.status != CaseStatus.DECIDED


class EventKind(models.TextChoices):
    OPENED = "opened", "Case opened"
    SUBMITTED = "submitted", "Answers sent by the patient"
    ASSESSED = "assessed", "Rules run"
    CLAIMED = "claimed", "Taken for review"
    RELEASED = "released", "Handed back"
    OBSERVED = "observed", "Recorded by staff"
    FLAG_CLOSED = "flag-closed", "Flag closed"
    DECIDED = "decided", "Decision signed"
    GLASS_BROKEN = "glass-broken", "Opened by somebody who does not have this case"


class HandBackReason(models.TextChoices):
    """Why a case is handed back for its owner. A code and no words, which would have to be sealed."""

    AWAY = "away", "The owner is away"
    LEFT = "left", "The owner does not work here any more"
    TOO_MUCH = "too-much", "The owner has too many cases"
    NOT_THEM = "not-them", "Somebody else must decide this case"


class CaseEvent(ClinicRow):
    """One step of a case with its author: the timeline, and the history of its status."""

    # Read by case only, so no other key has an index of its own.
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="events", db_index=False)
    kind = models.CharField(max_length=20, choices=EventKind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    detail = models.CharField(max_length=120, blank=True)
    decision = models.ForeignKey("Decision", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    break_glass = models.ForeignKey("BreakGlass", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["case", "id"], name="screening_event_by_case")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


class Stage(models.TextChoices):
    DRAFT = "draft"
    SUBMITTED = "submitted"


class Assessment(ClinicRow):
    """One run of one rule set over one response.

    `facts` (sealed) are what the rules saw; on a frozen response without the answers as they stand. `result_sha256` is
    of the canonical JSON of the result.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="assessments", db_index=False)
    rule_set = models.ForeignKey(
        RuleSetVersion,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        help_text="Empty when none could be run.",
    )
    stage = models.CharField(max_length=10, choices=Stage)
    engine = models.CharField(max_length=40)
    facts = models.BinaryField()
    result_sha256 = models.CharField(max_length=64)
    highest_tier = models.CharField(max_length=10)
    assessed_at = models.DateTimeField()
    assessed_on = models.DateField(
        help_text="The date at the clinic: what every age and every 'days since' is counted to."
    )

    class Meta:
        constraints = [clinic_key("screening_assessment")]
        indexes = [models.Index(fields=["case", "-id"], name="screening_assessment_newest")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.highest_tier} at {self.assessed_at:%Y-%m-%d %H:%M}"


class DetectedIssue(ClinicRow):
    """One flag of one assessment (FHIR DetectedIssue).

    `fingerprint` is equal for the same finding on the same facts in a later run.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="issues", db_index=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="issues", db_index=False)
    rule_id = models.CharField(max_length=80)
    tier = models.CharField(max_length=10)
    status = models.CharField(max_length=10)
    hold = models.BooleanField()
    worst_case_assumed = models.BooleanField()
    caused_by = ArrayField(models.CharField(max_length=80))
    settled_by = ArrayField(models.CharField(max_length=80))
    position = models.PositiveSmallIntegerField()
    fingerprint = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            clinic_key("screening_detectedissue"),
            models.UniqueConstraint(fields=["assessment", "rule_id"], name="screening_issue_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.rule_id} {self.tier}"

    @property
    def blocks_signing(self) -> bool:
        return self.hold or self.status == "error" or self.tier in ("emergency", "absolute", "relative")


class ObservationKind(models.TextChoices):
    IDENTITY = "identity", "Identity check"
    BLOOD_PRESSURE = "blood-pressure", "Blood pressure"
    BODY = "body", "Height and weight"
    CSSRS = "cssrs", "C-SSRS interview"
    LIVER_TESTS = "liver-tests", "Liver tests"


class Observation(ClinicRow):
    """What staff recorded themselves. It stands over the patient's own answer; both are kept and shown."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="observations")
    kind = models.CharField(max_length=20, choices=ObservationKind)
    values = models.BinaryField(help_text="Sealed: fact names to values, and a note.")
    observed_on = models.DateField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [clinic_key("screening_observation")]
        indexes = [models.Index(fields=["case", "id"], name="screening_observation_by_case")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.observed_on}"


class ReasonCode(models.TextChoices):
    ADDRESSED = "addressed", "Assessed, and the plan accounts for it"
    NOT_PRESENT = "not-present", "Assessed, and the finding is not present"
    CLARIFIED = "clarified", "Clarified with the patient or with records"
    SPECIALIST = "specialist", "A specialist has advised"
    RESOLVED = "resolved", "No longer current"
    CONTACT_MADE = "contact-made", "Spoke with the patient; a safety plan is in place"
    DECLINED = "declined-for-this", "This is a reason not to go on now"


class Disposition(ClinicRow):
    """How a clinician closed one flag: a reason code and words. An ABSOLUTE flag needs those of two clinicians."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="dispositions")
    issue = models.ForeignKey(DetectedIssue, on_delete=models.PROTECT, related_name="dispositions")
    fingerprint = models.BinaryField(max_length=32)
    reason = models.CharField(max_length=20, choices=ReasonCode)
    words = models.BinaryField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            clinic_key("screening_disposition"),
            models.UniqueConstraint(fields=["case", "fingerprint", "by"], name="screening_disposition_once_each"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.reason} by {self.by_id}"


class Outcome(models.TextChoices):
    PROCEED = "proceed-to-evaluation", "Proceed to evaluation"
    MORE_INFORMATION = "more-information", "More information needed"
    NOT_NOW = "not-at-this-time", "Not at this time"
    REFERRED = "referred-elsewhere", "Referred elsewhere"


class Decision(ClinicRow):
    """A clinician's signed decision, bound to the hash of what was on the screen when it was signed.

    Appended, never edited.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT)
    outcome = models.CharField(max_length=30, choices=Outcome)
    words = models.BinaryField()
    shown_sha256 = models.CharField(max_length=64)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [clinic_key("screening_decision")]
        indexes = [models.Index(fields=["case", "id"], name="screening_decision_by_case")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.outcome} on {self.signed_at:%Y-%m-%d}"


class BreakGlass(ClinicRow):
    """One look of a clinician into a case that is not theirs: why, and until when it stays open to them."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.BinaryField()
    broken_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            clinic_key("screening_breakglass"),
            # Whatever a program asks for, no look lasts longer than the hour that everybody was told of.
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("broken_at"), ends_at__lte=F("broken_at") + datetime.timedelta(hours=1)),
                name="screening_breakglass_at_most_an_hour",
            ),
        ]
        indexes = [models.Index(fields=["case", "by"], name="screening_breakglass_by_case")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"until {self.ends_at:%Y-%m-%d %H:%M}"
