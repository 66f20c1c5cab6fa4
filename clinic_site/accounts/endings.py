"""What ends with a person's access."""

from allauth.mfa.models import Authenticator

from clinic_site.accounts.models import User
from clinic_site.accounts.sessions import end_sessions

__all__ = ["end_sessions", "remove_factors"]


def remove_factors(person: User) -> int:
    """Removes every second factor, recovery codes too. Returns how many."""
    return Authenticator.objects.filter(user=person).delete()[0]
