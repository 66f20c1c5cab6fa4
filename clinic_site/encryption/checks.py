"""What must hold of the keys before the program starts; each failure names the setting to mend."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError

from clinic_site.encryption.keyring import ring
from clinic_site.encryption.rotation import misfits

# Write for the group, anything for others: a key that others read is theirs.
_REFUSED_MODE = 0o027
_LEAST_SIGNING_CHARACTERS = 32
_LEAST_DIFFERENT_CHARACTERS = 12


@register()
def secrets_are_set(**_: Any) -> list[Error]:
    errors = []
    for name, value in (
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ):
        if len(value) < _LEAST_SIGNING_CHARACTERS:
            errors.append(Error(f"{name} is missing or shorter than 32 characters.", id="clinic.E001"))
        elif value.startswith("django-insecure-") or len(set(value)) < _LEAST_DIFFERENT_CHARACTERS:
            errors.append(Error(f"{name} is not random: make one of 50 random characters.", id="clinic.E001"))
    try:
        ring()
    except ImproperlyConfigured as error:
        errors.append(Error(str(error), id="clinic.E002"))
    return errors


@register()
def keys_are_closed_to_others(**_: Any) -> list[Error]:
    if settings.MASTER_KEY and settings.MASTER_KEY_FILE:
        return [Error("MASTER_KEY and MASTER_KEY_FILE are both set: keep one.", id="clinic.E007")]
    path = Path(settings.MASTER_KEY_FILE or "/nonexistent")
    if path.is_file() and path.stat().st_mode & _REFUSED_MODE:
        return [Error("MASTER_KEY_FILE can be read or changed by other users: chmod 400 (or 440).", id="clinic.E007")]
    return []


@register(Tags.database)
def keys_fit_the_database(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Served with other keys, nobody would be found, and whatever was newly sealed would be lost beside the old."""
    errors = []
    for name in databases or ():
        try:
            errors += [Error(problem, id="clinic.E008") for problem in misfits(name)]
        except ImproperlyConfigured:
            # Told by `secrets_are_set`.
            continue
        except (OperationalError, ProgrammingError):
            # Away, or not migrated yet: what is served then says so, and has no record to lose.
            continue
    return errors
