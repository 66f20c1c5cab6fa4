#!/usr/bin/env python
"""Django's command line.

Where nothing is configured, commands run on the clone's own database, as `./run manage` does.
"""

import os
import sys

_CONFIGURED_BY = ("DATABASE_URL", "SECRET_KEY", "MASTER_KEY_FILE", "MASTER_KEY")
_NEED_NO_DATABASE = {
    "help",
    "version",
    "screen",
    "check_content",
    "content_book",
    "medicine",
    "reading_time",
    "safety_report",
}
# What makes, changes or empties tables.
_BY_THE_OWNER = {"migrate", "makemigrations", "sqlmigrate", "sqlflush", "flush", "pgtrigger", "benchmark", "dbshell"}


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    unconfigured = not any(os.environ.get(name) for name in _CONFIGURED_BY)
    if unconfigured and command not in _NEED_NO_DATABASE and not command.startswith("-"):
        from clinic_site.launcher.__main__ import main as run

        sys.exit(run(["manage", *sys.argv[1:]]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
    os.environ.setdefault("DATABASE_TIME_LIMITS", "0")
    if command in _BY_THE_OWNER:
        os.environ["DATABASE_ROLE"] = "owner"
    from clinic_site.records import scope

    scope.work_for_every_clinic()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
