"""A secret inside a waiting message, such as the code of an invitation, stands sealed until the message goes out.

Whoever reads the database or a backup of it can not use the link.
"""

from clinic_site.encryption.small_secrets import open_secret, seal_secret
from clinic_site.messaging.models import OutboxMessage

# Where the secret stands in the body.
PLACE = "{secret}"
_PURPOSE = "outbox-secret"


def keep_secret(message: OutboxMessage, secret: str) -> None:
    """Keeps `secret` with the message; the worker puts it wherever the body says PLACE."""
    message.secret = seal_secret(secret, purpose=_PURPOSE, owner=message.id)


def body_with_secret(message: OutboxMessage) -> str:
    """The body as it is sent. Raises CannotOpen when the secret was altered or sealed under another key."""
    if not message.secret:
        return message.body
    return message.body.replace(PLACE, open_secret(message.secret, purpose=_PURPOSE, owner=message.id))
