import secrets
from hashlib import sha256

import orjson
from django.db import models
from django.db.models import Q

from clinic_site.accounts.models import ClinicScoped
from clinic_site.encryption.models import DataKey
from clinic_site.publishing.models import FROZEN, DocumentVersion, version_constraints
from clinic_site.records.identifiers import public_id, reference
from clinic_site.records.rows import ClinicRow, append_only, clinic_key
from intake.answers import AnswerDocument


class QuestionnaireVersion(DocumentVersion):
    """A published questionnaire. A response keeps the version it was started on."""

    class Meta:
        constraints = version_constraints("intake_questionnaireversion")
        triggers = FROZEN


class ResponseStatus(models.TextChoices):
    """FHIR QuestionnaireResponse.status, as far as it is used here."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


# What a page save may write beside the document: about eight answers, of 40 bytes and more each.
MOST_LATER_BYTES = 400
# How much of the whole document tells the compression of the later answers what they look like.
_LIKE_BYTES = 4096


class QuestionnaireResponse(ClinicRow):
    """One person's answers: a draft until submitted, then frozen by the database."""

    public_id = models.CharField(max_length=30, unique=True, default=public_id, editable=False)
    reference = models.CharField(max_length=9, unique=True, default=reference, editable=False)
    access_digest = models.BinaryField(max_length=32)
    questionnaire = models.ForeignKey(QuestionnaireVersion, on_delete=models.PROTECT)
    data_key = models.ForeignKey(DataKey, on_delete=models.PROTECT)
    language = models.CharField(max_length=10, default="en")
    status = models.CharField(max_length=12, choices=ResponseStatus, default=ResponseStatus.IN_PROGRESS)
    revision = models.PositiveIntegerField(default=0)
    # The document as it was last sealed whole, and what was saved since: a page save writes only the second.
    answers = models.BinaryField(default=b"")
    later_answers = models.BinaryField(default=b"")
    started_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    # When the person left in a hurry: what was opened before that is shut.
    closed_at = models.DateTimeField(null=True)
    idempotency_key = models.UUIDField(null=True)

    objects = ClinicScoped.as_manager()

    class Meta:
        constraints = [
            clinic_key("intake_questionnaireresponse"),
            models.CheckConstraint(
                condition=Q(status=ResponseStatus.IN_PROGRESS, submitted_at__isnull=True, idempotency_key__isnull=True)
                | Q(status=ResponseStatus.COMPLETED, submitted_at__isnull=False, idempotency_key__isnull=False),
                name="intake_response_completed_when_submitted",
            ),
        ]
        triggers = append_only(once="OLD.status = 'completed'")

    def __str__(self) -> str:
        return self.reference

    @property
    def is_draft(self) -> bool:
        return self.status == ResponseStatus.IN_PROGRESS

    def new_access_token(self) -> str:
        """Sets a new secret for the browser that holds this draft and returns it; only its digest is stored."""
        token = secrets.token_urlsafe(32)
        self.access_digest = sha256(token.encode()).digest()
        return token

    def opens_with(self, token: str) -> bool:
        return secrets.compare_digest(bytes(self.access_digest), sha256(token.encode()).digest())

    def document(self) -> AnswerDocument:
        """The answers, opened once: every caller gets the same document until other ones are stored or read."""
        return self._opened()[2]

    def seal_document(self, document: AnswerDocument) -> None:
        """Keeps what is new in `later_answers`; once that is no longer little, the whole `document` in `answers`."""
        if self.answers:
            text, whole, _ = self._opened()
            later = self.data_key.seal(document.since(whole), row=self, label=self._label_of_later(), like=text)
            if len(later) <= MOST_LATER_BYTES:
                self.later_answers = later
                return
        self.answers = self.data_key.seal(document.to_json(), row=self, label="response.answers")
        self.later_answers = b""

    def _opened(self) -> tuple[bytes, AnswerDocument, AnswerDocument]:
        """The end of the text in `answers`, what it holds alone, and with `later_answers`."""
        sealed = (self.answers, self.later_answers)
        held, opened = vars(self).get("opened", (None, None))
        if opened is None or any(now is not then for now, then in zip(sealed, held, strict=True)):
            text = self.data_key.unseal_text(self.answers, row=self, label="response.answers")
            whole = AnswerDocument.from_json(orjson.loads(text) if text else None)
            text = text[-_LIKE_BYTES:]
            later = self.data_key.unseal(self.later_answers, row=self, label=self._label_of_later(), like=text)
            opened = (text, whole, whole.with_later(later) if later else whole.copy())
            vars(self)["opened"] = (sealed, opened)
        return opened

    def _label_of_later(self) -> str:
        """Names the whole document that it belongs to: beside another one it does not open."""
        return f"response.later_answers {sha256(self.answers).hexdigest()[:16]}"


class AskedIn(models.TextChoices):
    """Where the second thing is asked for."""

    ELSEWHERE = "elsewhere"
    EVERYWHERE = "everywhere"


class ReturnKey(ClinicRow):
    """How a person comes back to a draft without the browser that holds it.

    Always a second thing that they chose, and a way to name the draft: a mailed link, a code on paper, or both. Empty
    bytes stand for "not chosen" and "no link waits".

    `next_address` takes the place of `address` at `next_address_from`. Until `tell_until` the worker tries to tell the
    owner of `address`; None when that is done, or need not be.
    """

    response = models.OneToOneField(QuestionnaireResponse, on_delete=models.PROTECT, related_name="return_key")
    second_hash = models.CharField(max_length=200)
    asked_in = models.CharField(max_length=10, choices=AskedIn, default=AskedIn.ELSEWHERE)
    address = models.BinaryField(default=b"")
    address_index = models.BinaryField(max_length=32, default=b"")
    next_address = models.BinaryField(default=b"")
    next_address_index = models.BinaryField(max_length=32, default=b"")
    next_address_from = models.DateTimeField(null=True)
    tell_until = models.DateTimeField(null=True)
    paper_digest = models.BinaryField(max_length=32, default=b"")
    link_digest = models.BinaryField(max_length=32, default=b"")
    link_code_digest = models.BinaryField(max_length=32, default=b"")
    link_ends_at = models.DateTimeField(null=True)
    link_tries = models.PositiveSmallIntegerField(default=0)
    reminders = models.PositiveSmallIntegerField(default=0)
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "address_index"], name="intake_return_by_address"),
            models.Index(fields=["clinic", "paper_digest"], name="intake_return_by_paper"),
            models.Index(
                fields=["clinic", "next_address_index"],
                condition=Q(next_address_from__isnull=False),
                name="intake_return_by_next_address",
            ),
        ]

    def __str__(self) -> str:
        return f"Ways back to {self.response_id}"


class LinkRequest(ClinicRow):
    """Somebody asked for a link by e-mail. The worker sends it, if a draft has that address, and removes the row.

    It holds no address, so that asking leaves the same trace whether or not there is a draft.
    """

    address_index = models.BinaryField(max_length=32)
    asked_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Asked at {self.asked_at:%H:%M}"


class Patient(ClinicRow):
    """Who a submitted response is about.

    Names and contact details are sealed; what staff look up are keyed blind indexes.
    """

    response = models.OneToOneField(QuestionnaireResponse, on_delete=models.PROTECT, related_name="patient")
    identity = models.BinaryField()
    name_and_birth_index = models.BinaryField(max_length=32)
    phone_and_birth_index = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClinicScoped.as_manager()

    class Meta:
        constraints = [clinic_key("intake_patient")]
        indexes = [
            models.Index(fields=["clinic", "name_and_birth_index"], name="intake_patient_by_name"),
            models.Index(fields=["clinic", "phone_and_birth_index"], name="intake_patient_by_phone"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"Patient of {self.response_id}"


class ConsentDecision(models.TextChoices):
    """FHIR Consent.provision.type."""

    PERMIT = "permit"
    DENY = "deny"


class Consent(ClinicRow):
    """One signed (or openly declined) text: which, in which wording, by whom and when."""

    response = models.ForeignKey(
        QuestionnaireResponse, on_delete=models.PROTECT, related_name="consents", db_index=False
    )
    link_id = models.CharField(max_length=80)
    version = models.CharField(max_length=30)
    language = models.CharField(max_length=10)
    text_sha256 = models.BinaryField(max_length=32, help_text="Of the text and the sentence signed, as shown.")
    decision = models.CharField(max_length=6, choices=ConsentDecision)
    signature = models.BinaryField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["response", "link_id"], name="intake_consent_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.link_id} {self.decision}"

    @property
    def text_hash(self) -> str:
        return bytes(self.text_sha256).hex()
