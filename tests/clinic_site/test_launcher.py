import base64
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from clinic_site.launcher import Problem, check, demo
from clinic_site.launcher.binaries import binary_directories
from clinic_site.launcher.database import check_database_url, running_database
from clinic_site.launcher.environment import PROJECT, data_directory, django_environment, owner_url
from clinic_site.launcher.processes import (
    STOP_SIGNALS,
    Stopped,
    raise_on_stop_signals,
    run_in_foreground,
    start_in_own_group,
    stop_group,
    stop_signals_held,
    wait_until,
)
from clinic_site.launcher.server import OUTSIDE, Server

needs_binaries = pytest.mark.skipif(not any(binary_directories()), reason="no PostgreSQL server is installed here")


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A project folder that the server's account can reach when the tests run as root, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="launcher-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def no_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def setting(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.usefixtures("no_database_url")
@needs_binaries
class TestOwnServer:
    def test_it_is_gone_when_its_only_user_leaves(self, project: Path) -> None:
        with running_database(project) as url:
            assert answers(url)
        assert not answers(url)

    def test_a_user_who_leaves_does_not_take_it_from_another(self, project: Path) -> None:
        with running_database(project) as url:
            with running_database(project) as same_url:
                pass
            assert same_url == url
            assert answers(url)

    def test_the_last_user_stops_it_even_when_another_one_started_it(self, project: Path) -> None:
        starter = running_database(project)
        starter.__enter__()
        with running_database(project) as url:
            starter.__exit__(None, None, None)
            assert answers(url)
        assert not answers(url)

    def test_one_that_was_started_by_hand_is_left_running(self, project: Path) -> None:
        server = Server(project)
        running = server.start()
        try:
            with running_database(project) as url:
                assert url == running.url
            assert answers(url)
        finally:
            server.stop(running)

    def test_one_left_behind_by_a_killed_run_is_used_and_then_stopped(self, project: Path) -> None:
        running = Server(project).start()
        (project / ".data" / "postgres.started").write_text(str(running.pid))
        with running_database(project) as url:
            assert url == running.url
        assert not answers(url)

    def test_the_note_of_a_dead_server_whose_number_now_belongs_to_another_process_is_no_obstacle(
        self, project: Path
    ) -> None:
        with running_database(project):
            pass
        note = Server(project).data / "postmaster.pid"
        note.write_text(f"{os.getpid()}\n{note.parent}\n1700000000\n5432\n/nowhere\n\n  1  1\nready\n")
        with running_database(project) as url:
            assert answers(url)

    def test_it_ends_when_the_command_fails(self, project: Path) -> None:
        with pytest.raises(ZeroDivisionError), running_database(project) as url:
            raise ZeroDivisionError
        assert not answers(url)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", False),
            ("SELECT current_setting('listen_addresses')", ""),
            ("SELECT current_setting('data_checksums')", "on"),
            ("SELECT current_setting('server_encoding')", "UTF8"),
        ],
        ids=["role is no superuser", "no network address", "checksums", "UTF-8"],
    )
    def test_it_is_set_up_like_production(self, project: Path, query: str, expected: object) -> None:
        with running_database(project) as url:
            assert setting(url, query) == expected

    def test_its_program_s_role_owns_nothing_and_its_owner_makes_the_tests_databases(self, project: Path) -> None:
        rights = "SELECT (rolsuper, rolcreatedb, rolbypassrls)::text FROM pg_roles WHERE rolname = current_user"
        owned = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()"
        with running_database(project) as url:
            assert (setting(url, rights), setting(url, owned)) == ("(f,f,f)", False)
            owner = django_environment(url, project=project)["OWNER_DATABASE_URL"]
            assert (setting(owner, rights), setting(owner, owned)) == ("(f,t,f)", True)

    def test_a_cluster_of_an_earlier_version_with_one_role_gets_the_other(self) -> None:
        with reachable_folder() as folder:
            with running_database(folder) as url:
                owner = owner_url(url)
                with psycopg.connect(owner) as connection:
                    connection.execute("CREATE TABLE kept (word text)")
                    connection.execute("INSERT INTO kept VALUES ('here')")
                superuser = owner.replace("postgres://clinic@", "postgres://postgres@")
                with psycopg.connect(superuser, autocommit=True) as connection:
                    connection.execute("DROP ROLE clinic_app")
                assert not answers(url)
            with running_database(folder) as url:
                assert answers(url)
                assert setting(owner_url(url), "SELECT word FROM kept") == "here"
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    setting(url, "SELECT word FROM kept")

    def test_nobody_else_can_open_its_socket(self, project: Path) -> None:
        with running_database(project):
            running = Server(project).running()
            assert running is not None
            assert stat.S_IMODE(running.socket_directory.stat().st_mode) == 0o700

    def test_settings_for_another_server_do_not_lead_away_from_it(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPORT", "1")
        with running_database(project) as url:
            assert answers(url)

    def test_one_that_cannot_start_says_why_and_leaves_nothing_running(self) -> None:
        with reachable_folder() as folder:
            with running_database(folder):
                pass
            server = Server(folder)
            with (server.data / "postgresql.conf").open("a") as settings:
                settings.write("\nno_such_setting = 1\n")
            with pytest.raises(Problem, match="no_such_setting|configuration file"), running_database(folder):
                pass
            assert server.running() is None

    def test_a_cluster_of_a_version_that_is_not_here_is_named(self) -> None:
        with reachable_folder() as folder:
            cluster = folder / ".data" / "postgres" / "data"
            cluster.mkdir(parents=True)
            (cluster / "PG_VERSION").write_text("9\n")
            with pytest.raises(Problem, match="PostgreSQL 9"), running_database(folder):
                pass


class TestDatabaseUrl:
    @pytest.mark.parametrize(
        "url", ["nonsense", "mysql://user:secret@host/name", "postgres://[bad", "postgres://user:secret@host:port/name"]
    )
    def test_a_malformed_one_is_answered_with_its_form(self, url: str) -> None:
        with pytest.raises(Problem, match=r"postgres://user:password@host:5432/name") as problem:
            check_database_url(url)
        assert "secret" not in str(problem.value)

    def test_one_that_nothing_answers_is_named_without_its_password(self) -> None:
        with pytest.raises(Problem, match=r"127\.0\.0\.1, port 1, database name") as problem:
            check_database_url("postgres://user:secret@127.0.0.1:1/name")
        assert "secret" not in str(problem.value)
        assert "\n" not in str(problem.value)

    def test_the_users_own_is_checked_before_it_is_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "nonsense")
        with pytest.raises(Problem, match="DATABASE_URL"), running_database(tmp_path):
            pass
        assert not list(tmp_path.iterdir())


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SECRET_KEY", "MASTER_KEY_FILE", "STATIC_ROOT", "MAIL_DIRECTORY", "PLAIN_HTTP", "DEMO"):
            monkeypatch.delenv(name, raising=False)

    def test_keys_are_made_once(self, tmp_path: Path) -> None:
        first, second = (django_environment("postgres://", project=tmp_path) for _ in range(2))
        assert first["SECRET_KEY"] == second["SECRET_KEY"]
        assert len(first["SECRET_KEY"]) >= 50
        assert len(base64.b64decode(Path(first["MASTER_KEY_FILE"]).read_text(), validate=True)) == 32

    def test_keys_are_readable_by_their_owner_only(self, tmp_path: Path) -> None:
        django_environment("postgres://", project=tmp_path)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".data").iterdir()}
        assert modes == {"secret_key": 0o600, "master.key": 0o600}
        assert stat.S_IMODE((tmp_path / ".data").stat().st_mode) == 0o700

    def test_what_the_user_set_stays(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_KEY", "of the user")
        assert django_environment("postgres://", project=tmp_path)["SECRET_KEY"] == "of the user"
        assert not (tmp_path / ".data" / "secret_key").exists()

    def test_an_empty_variable_counts_as_not_set(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STATIC_ROOT", "")
        assert django_environment("postgres://", project=tmp_path)["STATIC_ROOT"] == str(tmp_path / ".data" / "static")

    def test_the_owner_of_another_server_is_the_one_given_or_else_the_program_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://program@host/name")
        monkeypatch.setenv("OWNER_DATABASE_URL", "postgres://owner@host/name")
        made = [django_environment("postgres://program@host/name", project=tmp_path)["OWNER_DATABASE_URL"]]
        monkeypatch.delenv("OWNER_DATABASE_URL")
        made.append(django_environment("postgres://program@host/name", project=tmp_path)["OWNER_DATABASE_URL"])
        assert made == ["postgres://owner@host/name", "postgres://program@host/name"]

    def test_an_owner_left_over_from_another_server_does_not_migrate_ours(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.setenv("OWNER_DATABASE_URL", "postgres://owner@elsewhere/name")
        made = django_environment("postgres://clinic_app@/clinic?host=/socket", project=tmp_path)
        assert made["OWNER_DATABASE_URL"] == "postgres://clinic@/clinic?host=/socket"

    def test_a_folder_that_takes_no_files_is_named(self, tmp_path: Path) -> None:
        # A file in the folder's place: root may write into every folder, whatever its mode.
        (tmp_path / "project").write_text("")
        with pytest.raises(Problem, match=rf"{re.escape(str(tmp_path / 'project'))} is not writable"):
            data_directory(tmp_path / "project")


class TestDemo:
    def test_a_port_that_is_taken_is_named_before_anything_is_started(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(Problem, match=rf"port {port} is taken"):
                demo.run(port)

    @pytest.mark.parametrize("port", [-1, 0, 65536])
    def test_a_port_that_cannot_exist_is_refused(self, port: int) -> None:
        with pytest.raises(Problem, match="is no port"):
            demo.run(port)


class TestChromium:
    @pytest.fixture(autouse=True)
    def only_programs_of(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

    def test_without_it_anyone_but_root_is_told_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(Problem, match="apt-get install chromium"):
            check.run([])

    def test_without_it_root_gets_it_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        put_program(tmp_path / "apt-get", 'echo "$@" >> "${0%/*}/calls"')
        check.require_chromium()
        assert (tmp_path / "calls").read_text() == "update\ninstall -y --no-install-recommends chromium\n"

    def test_one_that_cannot_be_installed_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        put_program(tmp_path / "apt-get", "exit 100")
        with pytest.raises(Problem, match="package `chromium`"):
            check.require_chromium()

    def test_so_are_the_libraries_that_draw_the_content_book(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        put_program(tmp_path / "python", "exit 1")
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        put_program(tmp_path / "apt-get", 'echo "$@" >> "${0%/*}/calls"')
        check.require_pango()
        assert "install -y --no-install-recommends libpango-1.0-0 " in (tmp_path / "calls").read_text()


def put_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class TestProcesses:
    @pytest.fixture(autouse=True)
    def handlers_restored(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    def test_a_stop_signal_waits_until_the_held_block_is_done(self) -> None:
        raise_on_stop_signals()
        steps = []
        with pytest.raises(Stopped) as stopped, stop_signals_held():  # noqa: PT012 - the signal must come from inside
            signal.raise_signal(signal.SIGTERM)
            steps.append("done")
        assert steps == ["done"]
        assert stopped.value.number == signal.SIGTERM

    def test_a_second_stop_signal_does_not_cut_the_clean_up_short(self) -> None:
        raise_on_stop_signals()
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    def test_stopping_a_child_ends_what_it_started(self, tmp_path: Path) -> None:
        held_open = tmp_path / "fifo"
        os.mkfifo(held_open)
        stubborn = f"trap '' TERM; exec 3>{held_open}; while :; do sleep 0.05; done"
        child = start_in_own_group(["/bin/sh", "-c", f"({stubborn}) & wait"], {})
        with held_open.open("rb", buffering=0) as reader:
            stop_group(child)
            os.set_blocking(reader.fileno(), False)
            # Nothing to read yet is None; the end of the file comes when the last process that has it open is gone.
            assert any(reader.read(1) == b"" for _ in wait_until(10))

    def test_a_signal_that_ended_a_command_shows_in_the_exit_code(self) -> None:
        command = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
        assert run_in_foreground(command, {}) == 128 + signal.SIGKILL


class TestFront:
    @pytest.mark.parametrize("arguments", [[], ["nonsense"]])
    def test_an_unknown_verb_shows_the_verbs(self, arguments: list[str]) -> None:
        answer = subprocess.run([PROJECT / "run", *arguments], capture_output=True, text=True, check=False)
        assert answer.returncode == 2
        assert "./run demo" in answer.stderr

    def test_the_tests_run_on_the_versions_that_are_deployed(self) -> None:
        def pins(name: str) -> set[str]:
            return set(re.findall(r"^[\w.-]+==\S+", (PROJECT / name).read_text(), re.MULTILINE))

        assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_the_data_of_a_project_that_the_servers_account_can_not_enter_lie_outside_it(tmp_path):
    """Root works in folders of mode 0700, such as one of mktemp, in which the server runs as somebody else."""
    project = tmp_path / "closed" / "project"
    project.mkdir(parents=True)
    project.parent.chmod(0o700)
    home = Server(project).home
    assert home.parent == (OUTSIDE if os.geteuid() == 0 else project / ".data")
