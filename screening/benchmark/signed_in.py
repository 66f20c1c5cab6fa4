from django.test import Client
from django.utils import timezone

from clinic_site.accounts.factors import PASSKEY
from clinic_site.accounts.models import User
from clinic_site.accounts.signing_in import FACTOR


def sign_in(client: Client, user: User) -> None:
    """As after a password and a passkey a moment ago."""
    client.force_login(user)
    session, now = client.session, timezone.now().timestamp()
    session.update({"signed_in_at": now, FACTOR: {"kind": PASSKEY, "at": now}})
    session.save()
