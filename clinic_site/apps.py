import logging
import sys
from types import TracebackType

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from clinic_site.log_lines import described


class ClinicSiteConfig(AppConfig):
    name = "clinic_site"

    def ready(self) -> None:
        from clinic_site import checks  # noqa: F401 - registers the start-up checks
        from clinic_site.database import checks as database_checks  # noqa: F401 - those of the database
        from clinic_site.database import privileges  # noqa: F401 - follows every migrate

        # A log call that fails would print its arguments, and an exception that nobody catches its text.
        logging.raiseExceptions = False
        if not sys.stderr.isatty():
            sys.excepthook = _ended_by


def _ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last words of a process that writes to a log. At a terminal, Python's own are shown."""
    print("\n".join(described((kind, error, trace))), file=sys.stderr)  # noqa: T201


class ClinicAdminConfig(AdminConfig):
    default_site = "clinic_site.admin_site.ClinicAdminSite"
