from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter

from clinic_site.accounts.models import User


class FactorAdapter(DefaultMFAAdapter):
    """What allauth asks us. Secrets are written by `factors.py` alone, which binds them to their owner."""

    def encrypt(self, text: str) -> str:
        raise NotImplementedError("Secrets of second factors are sealed by clinic_site.accounts.factors.")

    def decrypt(self, encrypted_text: str) -> str:
        raise NotImplementedError("Secrets of second factors are opened by clinic_site.accounts.factors.")

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """The handle is the key of the account, which is no secret and says nothing about the person."""
        return {"id": user.pk.hex.encode(), "display_name": user.name, "name": user.email}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Ours go through the outbox (`notices.py`)."""
