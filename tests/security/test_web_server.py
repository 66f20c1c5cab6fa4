"""The web server as it runs for patients: what reaches it that no test client can send."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.architecture.source import ROOT

HOST = "127.0.0.1"
CONFIG = ROOT / "clinic_site" / "web_server.py"


def environment_of_a_server():
    """As the program's own role on the tests' own database: the tests' environment names the owner and another one."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_ROLE"}
    return {**inherited, "DATABASE_URL": url, "ALLOWED_HOSTS": "localhost", "TRUSTED_PROXIES": "none"}


@pytest.fixture(scope="module")
def running(django_db_setup, tmp_path_factory):
    """(process, port, file of the log) of the real web server with two workers, on the tests' own database."""
    with running_server(tmp_path_factory.mktemp("server") / "log") as process_port_and_log:
        yield process_port_and_log


@contextmanager
def running_server(log, *, workers=2):
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = environment_of_a_server()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(CONFIG),
        "--workers",
        str(workers),
        "--chdir",
        str(ROOT),
        "--bind",
        f"{HOST}:{port}",
    ]
    with log.open("w") as file:
        child = subprocess.Popen([*command, "clinic_site.wsgi:application"], env=environment, stdout=file, stderr=file)
    try:
        _wait_for(port, child, log)
        yield child, port, log
    finally:
        child.terminate()
        child.wait(30)


@pytest.fixture(scope="module")
def server(running):
    """(port, file of the log)."""
    return running[1:]


def _wait_for(port, child, log):
    end = time.monotonic() + 90
    while time.monotonic() < end and child.poll() is None:
        try:
            if answer(port, get("/livez")).startswith(b"HTTP/1.1 200"):
                return
        except OSError:
            threading.Event().wait(0.1)
    raise AssertionError(f"The server did not start: {log.read_text()}")


def get(path, *headers, method="GET", host="localhost"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def answer(port, request, *, seconds=20):
    """Everything the server says until it closes."""
    said = b""
    with socket.create_connection((HOST, port), timeout=seconds) as client:
        client.sendall(request)
        while piece := client.recv(65536):
            said += piece
    return said


def status(said):
    return int(said.split(b" ", 2)[1])


OURS = b'href="tel:988"'


def test_the_server_does_not_say_what_it_is(server):
    said = answer(server[0], get("/help-now/"))
    assert status(said) == 200
    assert re.search(rb"gunicorn|python|django|X-Powered-By", said, re.IGNORECASE) is None
    assert b"Server: web\r\n" in said


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
        (get("/", "Bad Header: x"), 400),
        (get("/", "X: a\x00b"), 400),
        (get("/", "Content-Length: 5", "Content-Length: 6"), 400),
        (get("/", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST"), 400),
        (get("/", "Content-Length: -1", method="POST"), 400),
        (get("/" + "a" * 5000), 414),
        (get("/", *[f"X-{n}: x" for n in range(100)]), 431),
        (get("/", "X: " + "x" * 20000), 431),
        (get("/", "Cookie: " + "x" * 12000, "X: " + "x" * 6000), 400),
        (get("/", method="get"), 400),
        (get("/help-now/", method="TRACE"), 405),
        (get("/help-now/", method="CONNECT"), 405),
        (get("/help-now/", host="elsewhere.example"), 400),
        (get("/help-now/", "Host: elsewhere.example"), 400),
        (b"GET /help-now/ HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (get("http://elsewhere.example/help-now/", host="elsewhere.example"), 400),
        (get("/intake/%00/"), 404),
        (get("/intake/..%2f..%2fetc/passwd"), 404),
        (get("/static/../clinic_site/settings.py"), 404),
        (get("/static/%2e%2e/clinic_site/settings.py"), 404),
        (get("/static//etc/passwd"), 404),
    ],
)
def test_what_is_no_proper_request_is_refused_with_a_page_of_ours(server, request_bytes, expected):
    said = answer(server[0], request_bytes)
    assert status(said) == expected
    assert OURS in said
    assert b"X-Frame-Options: DENY" in said
    assert re.search(rb"Content-Security-Policy: [^\r]*default-src 'none'", said)
    assert re.search(rb"Traceback|elsewhere\.example|gunicorn|Invalid", said) is None


def test_a_whole_address_in_the_request_line_poisons_no_redirect(server):
    said = answer(server[0], get("http://elsewhere.example/help-now"))
    assert status(said) == 301
    assert b"Location: /help-now/\r\n" in said


def test_a_body_over_the_limit_is_refused_at_once_and_by_its_length_alone(server):
    head = get(
        "/sign-in/", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 999999999", method="POST"
    )
    assert status(answer(server[0], head)) == 413


def test_a_body_in_pieces_is_read_as_one_and_held_to_the_same_limit(server):
    def in_pieces(body, size=8000):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        head = get(
            "/sign-in/", "Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked", method="POST"
        )
        return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    assert status(answer(server[0], in_pieces(b"username=a"))) == 403  # read, and it has no token
    assert status(answer(server[0], in_pieces(b"a" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 10)))) == 413


def test_nothing_of_a_refused_request_stands_in_the_log(server):
    port, log = server
    answer(port, get("/", "Bad Header: marker-of-a-person"))
    answer(port, b"GET /marker-of-a-person nonsense\r\n\r\n")
    answer(port, get("/nothing/marker-of-a-person/", "Content-Length: x", method="POST"))
    assert "marker-of-a-person" not in log.read_text()
    assert "Answered 400 before the program: InvalidHeaderName" in log.read_text()


def test_what_the_server_itself_says_is_a_line_like_any_other(running):
    child, port, log = running
    answer(port, get("/", "Bad Header: x"))
    worker = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0])
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + 30
    while "SIGKILL" not in log.read_text() and time.monotonic() < end:
        threading.Event().wait(0.1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    told = [line["message"] for line in lines if line["logger"] == "gunicorn.error"]
    assert f"Worker (pid:{worker}) was sent SIGKILL! Perhaps out of memory?" in told
    assert status(answer(port, get("/help-now/"))) == 200


SLOW = {
    "a body that comes byte by byte": get(
        "/sign-in/", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 1000", method="POST"
    )
    + b"user",
    "headers that never end": b"GET /help-now/ HTTP/1.1\r\nHost: localhost\r\nX-",
    "a connection that says nothing": b"",
}


@pytest.mark.parametrize("kind", SLOW)
def test_two_hundred_slow_clients_leave_the_others_served(server, kind):
    """With four threads that run the program and no others, the first eight would have stopped everything."""
    port, _log = server
    with ExitStack() as held:
        slow = [held.enter_context(socket.create_connection((HOST, port), timeout=20)) for _ in range(200)]
        for client in slow:
            client.sendall(SLOW[kind])
        for _ in range(5):
            assert status(answer(port, get("/help-now/"), seconds=15)) == 200
        # They are slow, not gone: each is still waited for.
        slow[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            slow[0].recv(1)
