"""Somebody looks at a record that may be their own or their family's: one with their family name."""

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import as_compared
from screening.models import Case


def note_same_name(case: Case, user: User, name: str) -> None:
    """An entry of its own when the last words of both names are the same, from which the worker tells the operator.

    It holds no name. Nothing is refused: many people have the same name, and somebody must see their form.
    """
    theirs, own = ([as_compared(word) for word in text.split()[-1:]] for text in (name, user.name))
    if own and own == theirs:
        record([audit_event("case.same-name", clinic_id=case.clinic_id, entity=case, user=user)])
