"""`./run demo`: the whole clinic on this machine, with made-up patients, until Ctrl-C.

`--secure` serves it as in production: over TLS, with production's settings, mail and logs in files under `.data/`.
"""

import errno
import http.client
import os
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TextIO

from clinic_site.launcher import Problem
from clinic_site.launcher.database import running_database
from clinic_site.launcher.environment import PROJECT, data_directory, django_environment
from clinic_site.launcher.processes import start_in_own_group, stop_group, wait_until
from clinic_site.launcher.tls import loopback_certificate

_HOST = "127.0.0.1"
_SECONDS_TO_ANSWER = 60
_PREPARATION = {
    "Preparing the database": ["migrate"],
    "Publishing the questionnaire and the rules": ["publish_content"],
    "Making up patients": ["seed_demo"],
    "Collecting static files": ["collectstatic", "--noinput"],
}


def run(port: int, *, secure: bool = False) -> int:
    """Serves until a stop signal (raises Stopped) or until a child dies (raises Problem). Either way all is ended."""
    _check_port(port)
    certificate = loopback_certificate(data_directory() / "tls") if secure else None
    logs = data_directory() / "logs" if secure else None
    _say("Starting PostgreSQL")
    # Closed in reverse: gunicorn and the worker end before the database does.
    with ExitStack() as stack:
        environment = django_environment(stack.enter_context(running_database()))
        # Read by `demo_logins` for the addresses it prints.
        environment["SITE_URL"] = f"{'https' if secure else 'http'}://{_HOST}:{port}"
        if secure:
            environment["PLAIN_HTTP"] = "0"
        for heading, command in _PREPARATION.items():
            _say(heading)
            _manage(command, environment)
        _say("Starting the web server")
        children: dict[str, subprocess.Popen[str]] = {}
        for name, command in _services(port, certificate, logs).items():
            log = stack.enter_context(_log_file(logs, name)) if logs else None
            children[name] = start_in_own_group(command, environment, log=log)
            stack.callback(stop_group, children[name])
        _wait_for_answer(port, children, certificate)
        _say(_manage(["demo_logins"], environment).rstrip())
        if certificate:
            _say(f"\nTools trust this server with {certificate[0]}; browsers warn, because nobody else vouches for it.")
            _say(f"Mail is in {environment['MAIL_DIRECTORY']}, logs are in {logs}.")
        _say(f"\nThe clinic is at {environment['SITE_URL']}/ until you press Ctrl-C.")
        while True:
            _check_alive(children)
            time.sleep(0.5)


def _services(port: int, certificate: tuple[Path, Path] | None, logs: Path | None) -> dict[str, list[str]]:
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(PROJECT / "clinic_site" / "web_server.py")]
    gunicorn += ["--chdir", str(PROJECT), "--bind", f"{_HOST}:{port}"]
    if certificate:
        gunicorn += ["--certfile", str(certificate[0]), "--keyfile", str(certificate[1])]
    if logs:
        # Without the query and without the page one came from: neither is anybody's business afterwards.
        line = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s'
        gunicorn += ["--access-logfile", str(logs / "access.log"), "--access-logformat", line]
    gunicorn += ["clinic_site.wsgi:application"]
    return {
        "the web server (gunicorn)": gunicorn,
        "the message worker (deliver_messages)": [sys.executable, str(PROJECT / "manage.py"), "deliver_messages"],
    }


def _log_file(logs: Path, name: str) -> TextIO:
    """What a child writes to its output, in a file that only this user reads."""
    logs.mkdir(mode=0o700, exist_ok=True)
    path = logs / ("web.log" if "gunicorn" in name else "worker.log")
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


def _check_port(port: int) -> None:
    if not 0 < port < 65536:
        raise Problem(f"{port} is no port; choose one between 1024 and 65535.")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # As gunicorn does: connections of an earlier run that are still closing do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise Problem(f"port {port} {reason}; choose another one with `./run demo --port N`.") from error


def _manage(arguments: list[str], environment: dict[str, str]) -> str:
    """The command's output. When it fails, the output goes to stderr and Problem is raised."""
    command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
    with start_in_own_group(command, environment, quiet=True) as child:
        try:
            output, _ = child.communicate()
        finally:
            stop_group(child)
    if child.returncode != 0:
        sys.stderr.write(output)
        raise Problem(f"`manage.py {' '.join(arguments)}` failed; the lines above are what it said.")
    return output


def _wait_for_answer(
    port: int, children: dict[str, subprocess.Popen[str]], certificate: tuple[Path, Path] | None = None
) -> None:
    trusted = ssl.create_default_context(cafile=certificate[0]) if certificate else None
    for _ in wait_until(_SECONDS_TO_ANSWER, every=0.1):
        _check_alive(children)
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(_HOST, port, timeout=_SECONDS_TO_ANSWER, context=trusted)
            if trusted
            else http.client.HTTPConnection(_HOST, port, timeout=_SECONDS_TO_ANSWER)
        )
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except ConnectionError:
            continue
        finally:
            connection.close()
        if status >= 500:
            raise Problem(f"the web server answers its first page with an error ({status}); the lines above say why.")
        return
    raise Problem(f"the web server did not answer within {_SECONDS_TO_ANSWER} seconds.")


def _check_alive(children: dict[str, subprocess.Popen[str]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise Problem(f"{name} ended by itself (exit code {child.returncode}), so everything was stopped.")


def _say(line: str) -> None:
    print(line, flush=True)
