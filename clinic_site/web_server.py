"""The web server: gunicorn's settings, and a worker whose few places no slow client can fill.

`gunicorn --config clinic_site/web_server.py --bind ADDRESS clinic_site.wsgi:application`

A thread that waits for a slow client costs nothing; a thread that runs the program holds a connection to the database.
So there are two kinds. Many read requests, whole, each with a time limit, and write answers. A few run the program, on
requests that are complete. Two hundred clients that send a byte a second leave those few free for everybody else.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from io import BytesIO
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.http import wsgi as gunicorn_wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from clinic_site.log_lines import JsonLines

# gunicorn reads what is spelled as its settings.
worker_class = "clinic_site.web_server.PatientWorker"
logger_class = "clinic_site.web_server.ServerLog"
workers = 2
threads = 256  # that read and write, in each worker
worker_connections = 1000
keepalive = 5
timeout = 60  # without a sign of life of the whole worker
graceful_timeout = 10
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 12 * 1024
forwarded_allow_ips = ""  # what a proxy says, the program judges by TRUSTED_PROXIES
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True  # it would lie in the user's home folder, one for every gunicorn there
loglevel = "warning"

PROGRAM_THREADS = 4
MOST_WAITING = 100
SECONDS_TO_READ = 30.0
SECONDS_TO_ANSWER = 60.0

# The name of the product in every answer helps only those who look for its faults.
gunicorn_wsgi.SERVER = "web"

# By its name: gunicorn runs this file as its settings too, under another one.
log = logging.getLogger("clinic_site.web_server")

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ServerLog(Logger):
    """gunicorn's own words as the lines of the program: its format would quote the address of a draft."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())


class PatientWorker(ThreadWorker):
    def init_process(self) -> None:
        # (connection, when it must be done), in no order: there are a few hundred at most.
        self._due: dict[TConn, float] = {}
        self._own = threading.local()
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._pages = {status: render_to_string(f"{status}.html").encode() for status in (400, 500, 503)}
        self.wsgi: WSGI = self._whole_requests_only(self.wsgi)

    def _whole_requests_only(self, program: WSGI) -> WSGI:
        pool = ThreadPoolExecutor(PROGRAM_THREADS, thread_name_prefix="program")
        places = threading.BoundedSemaphore(PROGRAM_THREADS + MOST_WAITING)

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            _read_whole_body(environ)
            self._due[self._own.connection] = time.monotonic() + SECONDS_TO_ANSWER
            if not places.acquire(blocking=False):
                headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
                start_response("503 Service Unavailable", [*headers, ("Retry-After", "10")])
                return [self._pages[503]]
            try:
                # In a context of its own: what a request sets, such as whose rows it sees, ends with it.
                return pool.submit(Context().run, _run, program, environ, start_response).result()
            finally:
                places.release()

        return answer

    def handle(self, conn: TConn) -> Any:
        self._own.connection = conn
        self._due[conn] = time.monotonic() + SECONDS_TO_READ
        try:
            return super().handle(conn)
        finally:
            self._due.pop(conn, None)

    def murder_pending(self) -> None:
        """The worker's loop calls this about once a second: ends what took too long, also before its headers came."""
        super().murder_pending()
        now = time.monotonic()
        for conn, due in list(self._due.items()):
            if due < now:
                self._due.pop(conn, None)
                _hang_up(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """What is not HTTP is answered with a page of ours, and logged without a word of what was sent."""
        status, reason = _status_of(exc)
        log.warning(
            "Answered %s before the program: %s", status, type(exc).__name__, exc_info=exc if status >= 500 else None
        )
        page = self._pages[500 if status >= 500 else 400]
        head = [
            f"HTTP/1.1 {status} {reason}",
            "Connection: close",
            "Content-Type: text/html; charset=utf-8",
            f"Content-Length: {len(page)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "X-Frame-Options: DENY",
            "Referrer-Policy: same-origin",
            "Cross-Origin-Resource-Policy: same-origin",
            "Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'",
        ]
        try:
            client.settimeout(1.0)
            client.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + page)
        except OSError:
            log.debug("The client was gone before it was told.")


def _run(program: WSGI, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Runs the program to its end in one thread, because its connection to the database belongs to the thread."""
    answer = program(environ, start_response)
    if isinstance(answer, environ["wsgi.file_wrapper"]):
        return answer  # a static file, which is sent without the program
    try:
        return list(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def _read_whole_body(environ: dict[str, Any]) -> None:
    """Puts the body into memory, a byte more than may be sent at most: the program refuses that by its length."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    told = environ.get("CONTENT_LENGTH")
    if told is not None and (not told.isdigit() or int(told) >= most):
        environ["wsgi.input"] = BytesIO()
        return
    body = environ["wsgi.input"].read(int(told) if told else most)
    if told and len(body) < int(told):
        raise errors.NoMoreData
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    # A body that came in pieces is one now.
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _hang_up(conn: TConn) -> None:
    """Wakes the thread that reads or writes; it then closes. On the bare socket, because TLS may be in the way."""
    try:
        socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
    except OSError:
        return


def _status_of(exc: BaseException) -> tuple[int, str]:
    if isinstance(exc, errors.LimitRequestLine):
        return 414, "URI Too Long"
    if isinstance(exc, errors.LimitRequestHeaders):
        return 431, "Request Header Fields Too Large"
    ours = isinstance(
        exc, (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)
    )
    if isinstance(exc, (errors.ParseException, OSError)) and not ours:
        return 400, "Bad Request"
    return 500, "Internal Server Error"
