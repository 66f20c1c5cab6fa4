"""What the audit and the person hear about an account."""

from typing import Any

from clinic_site.accounts.models import User
from clinic_site.accounts.staff_mail import account_notice
from clinic_site.audit.services import audit_event, record
from clinic_site.records import scope


def record_account(action: str, user: User | None = None, **detail: Any) -> None:
    """One entry of the audit about an account."""
    record([audit_event(action, clinic_id=None, user=user, entity=user, **detail)])


def tell(user: User, what_happened: str) -> None:
    """Mails the person what was done with their account. Nobody may be signed in yet, so their clinic is opened."""
    clinics = [clinic for clinic, _role in user.granted()]
    if clinics:
        with scope.within(scope.of_clinics(clinics[0])):
            account_notice(user, clinics[0], what_happened)
