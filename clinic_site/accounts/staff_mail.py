"""What is mailed about accounts and requests. Neutral words: whoever sees the screen learns nothing of the clinic's
work, and only an invitation and a new password carry a link.
"""

import uuid

from clinic_site.accounts.models import AccessChange, User
from clinic_site.accounts.separation import managing_roles
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.sealing import PLACE, keep_secret


def invitation_mail(person: User, *, clinic_id: uuid.UUID, join_address: str, token: str, hours: int) -> None:
    """The only place where the token stands readable is this mail: in the outbox it is sealed."""
    message = OutboxMessage(
        clinic_id=clinic_id,
        purpose="invitation",
        recipient=person.email,
        subject="Set up your account",
        # After the #, a browser keeps the code to itself: no server's log holds it.
        body=(
            f"An account was made for you. Open this address to choose a password:\n\n{join_address}#{PLACE}\n\n"
            f"If the page asks for a code, it is: {PLACE}\n\n"
            f"It works once and for {hours} hours. Nobody will ever ask you for it or for your password.\n"
        ),
    )
    keep_secret(message, token)
    message.save(force_insert=True)


def password_link_mail(person: User, *, clinic_id: uuid.UUID, address: str, code: str) -> None:
    message = OutboxMessage(
        clinic_id=clinic_id,
        purpose="password-link",
        recipient=person.email,
        subject="A new password",
        body=(
            f"Somebody, we hope you, asked for a new password. Open this address within 30 minutes:\n\n"
            f"{address}#{PLACE}\n\n"
            f"If its box is empty, copy this code into it: {PLACE}\n\n"
            "If it was not you, do nothing: your password stays as it is.\n"
        ),
    )
    keep_secret(message, code)
    message.save(force_insert=True)


def account_notice(person: User, clinic_id: uuid.UUID, what_happened: str) -> None:
    OutboxMessage.objects.create(
        clinic_id=clinic_id,
        purpose="account-notice",
        recipient=person.email,
        subject="A change to your account",
        body=f"{what_happened}\nIf you did not expect this, call your administrator now.\n",
    )


def wait_for_second(change: AccessChange) -> None:
    """Tells the clinic's other administrators that a request waits."""
    others = User.objects.filter(
        is_active=True, memberships__clinic_id=change.clinic_id, memberships__role__in=managing_roles()
    ).exclude(pk__in=[change.asked_by_id, change.person_id])
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            clinic_id=change.clinic_id,
            purpose="access-asked",
            recipient=other.email,
            subject="A request about staff waits for you",
            body="A change that another administrator asked for needs a second person. Sign in, look under Requests.\n",
        )
        for other in others.distinct()
    )
