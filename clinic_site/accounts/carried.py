"""What was typed into a form whose session had ended, or whose second factor was too old: carried, signed, through the
steps of signing in, and offered again afterwards. Never a password or a code.
"""

from django.core import signing
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

CARRIED = "carried"
_SALT = "accounts.carried"
_LIVES_SECONDS = 12 * 60 * 60
_NEVER_CARRIED = ("password", "code", "credential", "csrfmiddlewaretoken", CARRIED)

Parcel = tuple[str, list[tuple[str, str]]]


def pack(request: HttpRequest) -> str:
    """The request's path and fields, signed. Empty when nothing may be carried."""
    pairs = [(name, text) for name, texts in request.POST.lists() for text in texts]
    if any(name.startswith(secret) for name, _text in pairs for secret in ("password", "new_password", "old_password")):
        return ""
    kept = [(name, text) for name, text in pairs if name not in _NEVER_CARRIED]
    return signing.dumps([request.path, kept], salt=_SALT, compress=True)


def unpack(packed: str) -> Parcel | None:
    try:
        action, pairs = signing.loads(packed, salt=_SALT, max_age=_LIVES_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if not url_has_allowed_host_and_scheme(action, allowed_hosts=None):
        return None
    return action, [(name, text) for name, text in pairs]
