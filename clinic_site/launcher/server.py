"""The project's own PostgreSQL server: its binaries, its folder under `.data/postgres`, and starting and stopping it.

It listens on a Unix socket in a folder that only its account can open, and on no network address. PostgreSQL refuses
to run as root; where we are root, its commands run as another account (`Account`).
"""

import hashlib
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from clinic_site.launcher import Problem
from clinic_site.launcher.binaries import binary_directories
from clinic_site.launcher.environment import APPLICATION, OWNER, data_directory
from clinic_site.launcher.processes import wait_until

# The kernel's limit for a socket's path is 108 bytes on Linux and 104 on macOS, with the socket's own name in it.
_LONGEST_SOCKET_PATH = 100
_SOCKET_NAME = ".s.PGSQL.5432"
_SECONDS_TO_START = 60
# Where the data go when the project lies in a folder that the server's account can not enter.
OUTSIDE = Path("/var/tmp")  # noqa: S108 - a folder of mode 0700 in it, owner checked


@dataclass(frozen=True)
class Account:
    """Whom the server runs as: None stands for ourselves, which is right for everyone but root."""

    name: str
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class RunningServer:
    pid: int
    socket_directory: Path

    @property
    def url(self) -> str:
        return f"postgres://{APPLICATION}@/{OWNER}?host={quote(str(self.socket_directory), safe='/')}"


class Server:
    """The server of one project folder. `database.py` holds a lock around every call."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.home = data_directory(project) / "postgres"
        self.account = _account(self.home)
        if self._is_closed_to_account():
            self.home = OUTSIDE / f"clinic-data-{_digest(str(project.resolve()))}"
        self.data = self.home / "data"
        self.log = self.home / "server.log"

    def _is_closed_to_account(self) -> bool:
        """Whether root works in a folder that the server's account can't enter, such as one made by mktemp."""
        closed = self.account.uid is not None and not (self.home / "data").exists()
        return closed and self._run(Path("/usr/bin/env"), "test", "-x", self.project).returncode != 0

    def running(self) -> RunningServer | None:
        """The server that answers for this folder, or None. Waits while one is starting or stopping."""
        pid = 0
        for _ in wait_until(_SECONDS_TO_START):
            noted = self._noted()
            if noted is None or not _is_postgres(noted.pid):
                return None
            if noted.socket_directory.is_absolute() and _answers(noted):
                return noted
            pid = noted.pid
        raise Problem(f"process {pid} holds {self.data} but does not answer; end it with `kill {pid}` and try again.")

    def start(self) -> RunningServer:
        """Makes what is missing and starts the server. Raises Problem with PostgreSQL's own reason when that fails."""
        self._prepare_home()
        binaries = self._binaries()
        socket_directory = self._socket_directory()
        if not self.data.exists():
            self._initialise(binaries)
        self._remove_stale_files(socket_directory)
        # What a failing statement was about stays out of the log: rows hold answers.
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket_directory),
            "unix_socket_permissions": "0700",
            "log_error_verbosity": "terse",
        }
        switches = " ".join(f"-c {name}={shlex.quote(value) if value else ''}" for name, value in options.items())
        start = ["-D", str(self.data), "-l", str(self.log), "-w", "-t", str(_SECONDS_TO_START), "-o", switches, "start"]
        if self._run(binaries / "pg_ctl", *start).returncode != 0:
            self._ask_to_stop()
            with suppress(OSError):
                socket_directory.rmdir()
            raise Problem(f"PostgreSQL did not start (its log is {self.log}): {_reason(self._log_text())}")
        server = self.running()
        if server is None:
            raise Problem(f"PostgreSQL ended right after its start: {_reason(self._log_text())}")
        try:
            _make_database(server)
        except psycopg.Error as error:
            self._ask_to_stop()
            raise Problem(f"PostgreSQL could not make the database `clinic`: {error}") from error
        return server

    def stop(self, running: RunningServer) -> None:
        """Ends its clients' sessions and stops it; without a last checkpoint when that takes longer than 30 seconds."""
        if not self._ask_to_stop():
            raise Problem(f"PostgreSQL (process {running.pid}) did not stop.")
        with suppress(OSError):
            running.socket_directory.rmdir()

    def _ask_to_stop(self) -> bool:
        pg_ctl = self._binaries() / "pg_ctl"
        stop = ["-D", str(self.data), "-w", "-t", "30", "stop", "-m"]
        return any(self._run(pg_ctl, *stop, mode).returncode == 0 for mode in ("fast", "immediate"))

    def _noted(self) -> RunningServer | None:
        """What postmaster.pid says, true or stale; None without one. No socket directory while it is half written."""
        with suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            if lines and lines[0].isdigit():
                return RunningServer(pid=int(lines[0]), socket_directory=Path(lines[4] if len(lines) > 4 else ""))
        return None

    def _binaries(self) -> Path:
        """The newest server that can read this project's cluster."""
        version_file = self.data / "PG_VERSION"
        made_by = int(version_file.read_text()) if version_file.exists() else None
        found = list(binary_directories())
        for major, folder in found:
            if made_by in (None, major):
                self._check_reach(folder / "postgres", "-x")
                return folder
        if found:
            raise Problem(
                f"{self.home} was made by PostgreSQL {made_by}, which is not here; install it or move the folder away."
            )
        raise Problem("no PostgreSQL 14 or later here: set DATABASE_URL, or install Debian's package `postgresql`.")

    def _prepare_home(self) -> None:
        account = self.account
        directory = self.home.parent
        if directory != OUTSIDE and account.uid is not None and account.gid is not None:
            # The server's account passes through .data, which keeps its owner, and lists nothing in it.
            os.chown(directory, -1, account.gid)
            directory.chmod(0o710)
        self.home.mkdir(mode=0o700, exist_ok=True)
        if self.home.lstat().st_uid not in (os.geteuid(), account.uid):
            raise Problem(f"{self.home} belongs to someone else; remove it, or set DATABASE_URL.")
        if account.uid is not None and account.gid is not None:
            os.chown(self.home, account.uid, account.gid)
        self._check_reach(self.home, "-w")

    def _check_reach(self, path: Path, test: str) -> None:
        """Raises Problem unless the server's account has this access: `test` is a switch of test(1)."""
        if self._run(Path("/usr/bin/env"), "test", test, path).returncode != 0:
            raise Problem(
                f"PostgreSQL runs as the user {self.account.name} here, to whom {path} is closed: "
                "open the folders above it (chmod o+x), move the project, or set DATABASE_URL."
            )

    def _socket_directory(self) -> Path:
        """A folder of mode 0700 with a path short enough for a socket, named for this project and this account."""
        owner = os.geteuid() if self.account.uid is None else self.account.uid
        name = f"clinic-{_digest(f'{owner} {self.project.resolve()}')}"
        for parent in dict.fromkeys([Path(tempfile.gettempdir()), Path("/tmp")]):  # noqa: S108 - made below, owner checked
            directory = parent / name
            plain = re.fullmatch(r"[\w./+-]+", str(directory), re.ASCII)
            if not plain or len(os.fsencode(directory / _SOCKET_NAME)) > _LONGEST_SOCKET_PATH:
                continue
            with suppress(FileExistsError):
                directory.mkdir(mode=0o700)
                os.chown(directory, owner, -1)
            found = directory.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
                raise Problem(f"{directory} belongs to someone else; remove it, or set TMPDIR to a folder of your own.")
            directory.chmod(0o700)
            if self._run(Path("/usr/bin/env"), "test", "-w", directory).returncode == 0:
                return directory
            directory.rmdir()
        raise Problem("there is no temporary folder with a short path for PostgreSQL's socket; set TMPDIR to one.")

    def _initialise(self, binaries: Path) -> None:
        """Beside its final place and then renamed: an interrupted initdb leaves no half-made cluster behind."""
        draft = self.home / "new"
        shutil.rmtree(draft, ignore_errors=True)
        # No password: the folder of the socket is closed to everyone but the server's account (and root).
        made = self._run(
            binaries / "initdb", "-D", draft, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--data-checksums", "--no-instructions",
        )  # fmt: skip
        if made.returncode != 0:
            raise Problem(f"PostgreSQL could not make its folder {self.home}: {_reason(made.stderr)}")
        draft.rename(self.data)

    def _remove_stale_files(self, socket_directory: Path) -> None:
        """For when no server runs: a process that got the number of a dead server would keep ours from starting."""
        for path in [self.data / "postmaster.pid", *socket_directory.glob(".s.PGSQL.*")]:
            path.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)

    def _log_text(self) -> str:
        with suppress(OSError):
            return self.log.read_text(errors="replace")
        return ""

    def _run(self, program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's commands as the server's account, out of reach of a Ctrl-C in the terminal."""
        account = self.account
        try:
            return subprocess.run(
                [program, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                # The account may not be allowed in the current folder, and PG* variables would reach the server.
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=account.uid,
                group=account.gid,
                extra_groups=None if account.uid is None else [],
                umask=0o077,
                start_new_session=True,
            )
        except PermissionError as error:
            raise Problem(
                f"PostgreSQL cannot run as the user {account.name} here ({error.strerror}); set DATABASE_URL."
            ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _account(home: Path) -> Account:
    """Root hands the server to the folder's owner, else to `postgres`, else to `nobody`."""
    if os.geteuid() != 0:
        if home.exists() and home.stat().st_uid != os.geteuid():
            raise Problem(f"{home} belongs to another user; run as that user or move the folder away.")
        return Account(name=str(os.geteuid()))
    owner = next(place.stat() for place in (home, home.parent) if place.exists())
    lookups = [lambda: pwd.getpwuid(owner.st_uid)] if owner.st_uid else []
    lookups += [lambda: pwd.getpwnam("postgres"), lambda: pwd.getpwnam("nobody")]
    for look_up in lookups:
        with suppress(KeyError):
            entry = look_up()
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise Problem(
        "PostgreSQL does not run as root, and the users `postgres` and `nobody` are not here; set DATABASE_URL."
    )


def _reason(output: str) -> str:
    """The line that says why, out of what a PostgreSQL command wrote: others around it say what it did about that."""
    reasons = re.findall(r"(?:FATAL|PANIC|error):\s*(.+)", output)
    lines = output.strip().splitlines()
    return str(reasons[0]) if reasons else lines[-1] if lines else "it gave no reason."


def _is_postgres(pid: int) -> bool:
    """Whether this can be a live server: any living process may be, where the system does not say what it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self/cmdline").exists():
        return True
    with suppress(OSError):
        program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
        return os.path.basename(program) in (b"postgres", b"postmaster")
    return False


def _answers(server: RunningServer) -> bool:
    try:
        _connect(server).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(server: RunningServer) -> psycopg.Connection:
    return psycopg.connect(
        host=str(server.socket_directory), dbname="postgres", user="postgres", connect_timeout=5, autocommit=True
    )


def _make_database(server: RunningServer) -> None:
    """Neither role is a superuser, as in production, but the owner may make the databases of the tests.

    Clusters of earlier versions have the owner alone: the other role is added, and `migrate` gives it its rights.
    """
    owner, application = sql.Identifier(OWNER), sql.Identifier(APPLICATION)
    with _connect(server) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(owner))
        if APPLICATION not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOBYPASSRLS").format(application))
            # The tests sign in as the owner and then work as the program.
            connection.execute(sql.SQL("GRANT {} TO {}").format(application, owner))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
