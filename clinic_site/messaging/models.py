from django.db import models
from django.db.models import Q

from clinic_site.records.rows import ClinicRow


class OutboxMessage(ClinicRow):
    """A message to send, written in the transaction of its cause and sent by the worker after commit.

    It carries no patient data.
    """

    purpose = models.CharField(max_length=40)
    recipient = models.EmailField()
    subject = models.CharField(max_length=120)
    body = models.TextField()
    secret = models.TextField(default="", blank=True, help_text="Sealed, for its place in the body; emptied once sent.")
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(sent_at__isnull=True), name="messaging_outbox_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.purpose} to {self.recipient}"
