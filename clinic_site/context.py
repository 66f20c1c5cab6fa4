from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """What every template may say about this installation."""
    return {"demo": settings.DEMO, "passkey_required": settings.PASSKEY_REQUIRED}
