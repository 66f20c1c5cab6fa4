"""The environment Django runs in under `./run`: what the user set stays, everything else points into `.data/`."""

import base64
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clinic_site.launcher import Problem

PROJECT = Path(__file__).resolve().parents[2]
# The roles of the project's own server: one owns the tables, the program signs in as the other.
OWNER, APPLICATION = "clinic", "clinic_app"


def data_directory(project: Path = PROJECT) -> Path:
    """`.data`, made when missing. Raises Problem when this user cannot write there."""
    directory = project / ".data"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Problem(f"the folder {project} is not writable ({error.strerror}).") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise Problem(f"the folder {directory} is not writable for this user; run as its owner or move it away.")
    return directory


def django_environment(database_url: str, *, project: Path = PROJECT) -> dict[str, str]:
    """This process's environment, completed for `clinic_site/settings.py`. Empty counts as not set."""
    directory = data_directory(project)
    environment = dict(os.environ)
    # Another project's settings module in the user's shell must not be the one that runs.
    environment["DJANGO_SETTINGS_MODULE"] = "clinic_site.settings"
    environment["DATABASE_URL"] = database_url
    if not (os.environ.get("DATABASE_URL") and environment.get("OWNER_DATABASE_URL")):
        environment["OWNER_DATABASE_URL"] = owner_url(database_url)
    defaults: dict[str, Callable[[], str]] = {
        "SECRET_KEY": lambda: _made_once(directory / "secret_key", _new_secret_key).read_text(),
        "MASTER_KEY_FILE": lambda: str(_made_once(directory / "master.key", _new_master_key)),
        "STATIC_ROOT": lambda: str(directory / "static"),
        "MAIL_DIRECTORY": lambda: str(directory / "mail"),
        "AUDIT_HEADS_FILE": lambda: str(directory / "audit-heads.log"),
        "PLAIN_HTTP": lambda: "1",
        "TRUSTED_PROXIES": lambda: "none",
        "ALLOWED_HOSTS": lambda: "127.0.0.1,localhost",
        "DEMO": lambda: "1",
    }
    if environment.get("MASTER_KEY"):
        # The keys are in the variable; a file beside it would leave open which ones count.
        del defaults["MASTER_KEY_FILE"]
    for name, make in defaults.items():
        if not environment.get(name):
            environment[name] = make()
    return environment


def owner_url(url: str) -> str:
    """The same database as its owner: on the project's own server. Another server's URL stays as it is."""
    return url.replace(f"postgres://{APPLICATION}@", f"postgres://{OWNER}@", 1)


def _new_secret_key() -> str:
    return secrets.token_urlsafe(64)


def _new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def _made_once(path: Path, make: Callable[[], str]) -> Path:
    """The file, written with mode 0600 when missing. Of two processes at once, the one that links first wins."""
    if path.exists():
        return path
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(make())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path
