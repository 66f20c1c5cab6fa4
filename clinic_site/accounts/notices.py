"""What the audit and the person hear about an account."""

from typing import Any

from django.http import HttpRequest

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.messaging.models import OutboxMessage


def note(request: HttpRequest | None, action: str, user: User | None = None, **detail: Any) -> None:
    """One entry of the audit about an account."""
    address = request.META.get("REMOTE_ADDR") or None if request is not None else None
    record([audit_event(action, clinic_id=None, user=user, entity=user, address=address, **detail)])


def tell(user: User, what_happened: str) -> None:
    """Mails the person what was done with their account, in words that say nothing of the clinic's work."""
    clinics = [clinic for clinic, _role in user.granted()]
    if not clinics:
        return
    OutboxMessage.objects.create(
        clinic_id=clinics[0],
        purpose="account-notice",
        recipient=user.email,
        subject="A change to your account",
        body=f"{what_happened}\nIf this was not you, call your administrator now.\n",
    )
