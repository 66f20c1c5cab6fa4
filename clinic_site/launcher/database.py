"""A database for as long as a command runs: the one DATABASE_URL names, or the project's own server."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psycopg

from clinic_site.launcher import Problem
from clinic_site.launcher.environment import PROJECT, data_directory
from clinic_site.launcher.processes import stop_signals_held
from clinic_site.launcher.server import Server


@contextmanager
def running_database(project: Path = PROJECT) -> Iterator[str]:
    """Yields a DATABASE_URL that answers, or raises Problem.

    A server that `./run` started is stopped by the last `./run` that uses it; one started by hand is left alone.
    """
    given = os.environ.get("DATABASE_URL")
    if given:
        check_database_url(given)
        yield given
        return
    # Settings for another server (PGPORT, PGSERVICE …) would lead our clients away from ours.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    use = _Use(project)
    try:
        yield use.begin()
    finally:
        use.end()


def check_database_url(url: str) -> None:
    """Raises Problem, without the password, unless the URL is well-formed and its server answers within 5 seconds."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise Problem("DATABASE_URL must have the form postgres://user:password@host:5432/name.")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
        ports = [int(port) for port in str(parts.get("port") or "5432").split(",")]
    except (psycopg.ProgrammingError, ValueError) as error:
        raise Problem("DATABASE_URL is malformed; its form is postgres://user:password@host:5432/name.") from error
    where = f"{parts.get('host', 'localhost')}, port {ports[0]}, database {parts.get('dbname', '')}"
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()
        raise Problem(
            f"DATABASE_URL cannot be reached ({where}): {reason[0] if reason else type(error).__name__}"
        ) from error


class _Use:
    """One process's use of the project's server.

    Two lock files: whoever holds `postgres.lock` may start or stop the server; every user holds `postgres.users`
    shared, so the one who can lock it exclusively is the last. The kernel drops both when a process dies, however it
    dies. `postgres.started` holds the process number of a server that `./run` started.
    """

    def __init__(self, project: Path) -> None:
        directory = data_directory(project)
        self._server = Server(project)
        self._turn = directory / "postgres.lock"
        self._users = directory / "postgres.users"
        self._started = directory / "postgres.started"
        self._held: TextIO | None = None

    def begin(self) -> str:
        with _locked(self._turn), stop_signals_held():
            running = self._server.running()
            if running is None:
                running = self._server.start()
                self._started.write_text(str(running.pid))
            self._held = self._users.open("a")
            fcntl.flock(self._held, fcntl.LOCK_SH)
        return running.url

    def end(self) -> None:
        """Does nothing when `begin` never got as far as a running server."""
        if self._held is None:
            return
        # Our own share is given back before the turn is: the next to leave must not count us as still here.
        with stop_signals_held(), _locked(self._turn), self._held:
            try:
                fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            running = self._server.running()
            with suppress(FileNotFoundError):
                if running and self._started.read_text() == str(running.pid):
                    self._server.stop(running)
                    self._started.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
