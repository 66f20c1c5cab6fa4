"""`./run test`: every check in order, the quick ones first, up to the first that fails."""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clinic_site.launcher import Problem
from clinic_site.launcher.binaries import binary_directories
from clinic_site.launcher.database import running_database
from clinic_site.launcher.environment import PROJECT, django_environment
from clinic_site.launcher.processes import run_in_foreground

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_PANGO = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
_MANAGE = [sys.executable, str(PROJECT / "manage.py")]
_CHECK_DEPLOY = [*_MANAGE, "check", "--deploy", "--fail-level", "WARNING", "--database", "default"]
# Two workers, each with a database of its own; a module's tests stay together, so that its fixtures are made once.
_IN_PARALLEL = ["-n", "2", "--dist", "loadscope"]


def run(pytest_arguments: list[str]) -> int:
    """The exit code of the first step that failed, or 0. With arguments: of pytest alone."""
    if pytest_arguments:
        with running_database() as url:
            return run_in_foreground([*module("pytest"), *pytest_arguments], for_pytest(django_environment(url)))
    with _timed("System packages"):
        require_chromium()
        require_pango()
        require_postgresql()
    with running_database() as url:
        environment = django_environment(url)
        for heading, command, variables in _steps(environment):
            with _timed(heading):
                code = run_in_foreground(command, variables)
            if code != 0:
                print(f"\nFailed: {heading} (exit code {code}).", file=sys.stderr)
                return code
    print("\nEverything passed.")
    return 0


def _steps(environment: dict[str, str]) -> list[tuple[str, list[str], dict[str, str]]]:
    """Heading, command and environment of each step."""
    production = _like_production(environment)
    return [
        ("Lint (ruff check)", [*module("ruff"), "check", "."], environment),
        ("Layout (ruff format)", [*module("ruff"), "format", "--check", "."], environment),
        ("Templates (djlint)", [*module("djlint"), "templates", "--lint", "--quiet"], environment),
        ("Types (mypy)", module("mypy"), environment),
        ("Migrations match the models", [*_MANAGE, "makemigrations", "--check", "--dry-run"], environment),
        ("Django's checks", [*_MANAGE, "check"], environment),
        ("Django's checks for production", _CHECK_DEPLOY, production),
        ("Questionnaire and rules (check_content)", [*_MANAGE, "check_content"], environment),
        ("Tests (pytest)", [*module("pytest"), *_IN_PARALLEL], for_pytest(environment)),
    ]


def module(name: str) -> list[str]:
    """As a module: the scripts in .venv/bin name the folder they were installed in, which may have moved since."""
    return [sys.executable, "-m", name]


def for_pytest(environment: dict[str, str]) -> dict[str, str]:
    """Hashed names of static files come from collectstatic, which the tests do without.

    Playwright runs an event loop in the thread of the test, where Django would refuse to use the database.
    """
    settings = {"HASHED_STATIC": "0", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"} | environment
    # The owner makes the test database; tests/conftest.py then works as the program. Waiting is part of some tests.
    settings |= {"DATABASE_ROLE": "owner", "DATABASE_TIME_LIMITS": "0"}
    Path(settings["STATIC_ROOT"]).mkdir(parents=True, exist_ok=True)
    return settings


def _like_production(environment: dict[str, str]) -> dict[str, str]:
    """What a careful operator would set: https, a real host name, no demo, mail over SMTP."""
    production = environment | {
        "ALLOWED_HOSTS": "clinic.example",
        "CSRF_TRUSTED_ORIGINS": "https://clinic.example",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
        "DEFAULT_FROM_EMAIL": "office@clinic.example",
        "OPERATOR_EMAIL": "operator@clinic.example",
    }
    for name in ("PLAIN_HTTP", "DEMO", "MAIL_DIRECTORY"):
        production.pop(name, None)
    return production


def require_chromium() -> None:
    """The journeys need a browser. Root on Debian gets it installed, anyone else is told what to install."""
    if not any(shutil.which(name) for name in _CHROMIUM):
        _install("chromium", needed_by="the browser tests")


def require_pango() -> None:
    """The content book's PDF is drawn with it, and installed like the browser."""
    # Asked of WeasyPrint itself, which looks for the libraries under several names.
    importing = subprocess.run([sys.executable, "-c", "import weasyprint"], capture_output=True, check=False)
    if importing.returncode != 0:
        _install(*_PANGO, needed_by="the tests of the content book")


def _install(*packages: str, needed_by: str) -> None:
    names = " ".join(packages)
    what = f"the package{'s' if len(packages) > 1 else ''} `{names}`"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        commands = [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]]
        if all(subprocess.run(command, env=environment, check=False).returncode == 0 for command in commands):
            return
        raise Problem(f"apt-get could not install {what}, which {needed_by} need.")
    raise Problem(f"{needed_by} need {what} of Debian (apt-get install {names}).")


def require_postgresql() -> None:
    if not os.environ.get("DATABASE_URL") and not any(binary_directories()):
        raise Problem(
            "the tests need PostgreSQL 14 or later: install Debian's package `postgresql`, or set DATABASE_URL."
        )


@contextmanager
def _timed(heading: str) -> Iterator[None]:
    print(f"\n== {heading}", flush=True)
    began = time.monotonic()
    try:
        yield
    finally:
        print(f"   {time.monotonic() - began:.1f} s", flush=True)
