"""`./run demo`: the whole clinic on this machine, with made-up patients, until Ctrl-C."""

import errno
import http.client
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing

from clinic_site.launcher import Problem
from clinic_site.launcher.database import running_database
from clinic_site.launcher.environment import PROJECT, django_environment
from clinic_site.launcher.processes import start_in_own_group, stop_group, wait_until

_HOST = "127.0.0.1"
_SECONDS_TO_ANSWER = 60
_PREPARATION = {
    "Preparing the database": ["migrate"],
    "Publishing the questionnaire and the rules": ["publish_content"],
    "Making up patients": ["seed_demo"],
    "Collecting static files": ["collectstatic", "--noinput"],
}


def run(port: int) -> int:
    """Serves until a stop signal (raises Stopped) or until a child dies (raises Problem). Either way all is ended."""
    _check_port(port)
    _say("Starting PostgreSQL")
    # Closed in reverse: gunicorn and the worker end before the database does.
    with ExitStack() as stack:
        environment = django_environment(stack.enter_context(running_database()))
        # Read by `demo_logins` for the addresses it prints.
        environment["SITE_URL"] = f"http://{_HOST}:{port}"
        for heading, command in _PREPARATION.items():
            _say(heading)
            _manage(command, environment)
        _say("Starting the web server")
        children: dict[str, subprocess.Popen[str]] = {}
        for name, command in _services(port).items():
            children[name] = start_in_own_group(command, environment)
            stack.callback(stop_group, children[name])
        _wait_for_answer(port, children)
        _say(_manage(["demo_logins"], environment).rstrip())
        _say(f"\nThe clinic is at {environment['SITE_URL']}/ until you press Ctrl-C.")
        while True:
            _check_alive(children)
            time.sleep(0.5)


def _services(port: int) -> dict[str, list[str]]:
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(PROJECT / "clinic_site" / "web_server.py")]
    gunicorn += ["--chdir", str(PROJECT), "--bind", f"{_HOST}:{port}", "clinic_site.wsgi:application"]
    return {
        "the web server (gunicorn)": gunicorn,
        "the message worker (deliver_messages)": [sys.executable, str(PROJECT / "manage.py"), "deliver_messages"],
    }


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


def _wait_for_answer(port: int, children: dict[str, subprocess.Popen[str]]) -> None:
    for _ in wait_until(_SECONDS_TO_ANSWER, every=0.1):
        _check_alive(children)
        connection = http.client.HTTPConnection(_HOST, port, timeout=_SECONDS_TO_ANSWER)
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
