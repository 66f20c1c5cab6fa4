"""Whether the program runs (`/livez`) and whether it can serve (`/readyz`), for whoever watches it.

The public learns one word. What is wrong stands in the log.
"""

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.rotation import misfits
from intake.published import NothingPublished, current_version, questionnaire_version
from screening.published import NoRuleSet, current_rule_set

log = logging.getLogger(__name__)

# The worker writes the heads of the audit every five minutes, also when nothing happened.
OLDEST_HEADS_SECONDS = 15 * 60


class NotReady(Exception):
    """What stands in the way, for the log."""


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nobody else, so that a database that is away does not restart it."""
    return _said("alive")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Everything that a patient's page needs is there: database, key, tables, content, audit."""
    for check in CHECKS:
        try:
            check()
        except (NotReady, DatabaseError, ImproperlyConfigured, CannotOpen, NothingPublished, NoRuleSet) as error:
            log.error("Not ready: %s: %s", check.__name__, type(error).__name__)
            return _said("not ready", status=503)
    return _said("ready")


def _said(word: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain; charset=utf-8", status=status)


def database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def keys_fit() -> None:
    """The keys can be read, and they are those that the records were sealed under."""
    if misfits():
        raise NotReady


def tables_are_those_of_this_program() -> None:
    if not _all_migrations_ran():
        _all_migrations_ran.cache_clear()
        raise NotReady


@lru_cache(maxsize=1)
def _all_migrations_ran() -> bool:
    """Asked once: what this program needs and found stays found."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def content_is_published() -> None:
    questionnaire_version(current_version().pk)
    current_rule_set()


def audit_is_sealed() -> None:
    """The worker lives: it wrote the heads of the audit's chain not long ago."""
    heads = getattr(settings, "AUDIT_HEADS_FILE", "")
    if not heads:
        return
    try:
        age = time.time() - Path(heads).stat().st_mtime
    except OSError as error:
        raise NotReady from error
    if age > OLDEST_HEADS_SECONDS:
        raise NotReady


CHECKS: tuple[Callable[[], None], ...] = (
    database_answers,
    keys_fit,
    tables_are_those_of_this_program,
    content_is_published,
    audit_is_sealed,
)
