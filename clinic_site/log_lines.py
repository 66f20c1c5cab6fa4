"""What a line of the log may hold.

An exception's text may quote what somebody typed (a form's value, a row that PostgreSQL refused), and so may the
arguments that a library hands to its logger. Neither is written: an exception is named by its class and the lines it
passed, a library's message by its own words without the arguments.
"""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

# Loggers whose calls were read: they hand over references, rule ids, counts and class names.
_OURS = ("intake", "screening", "clinic_site")
# What the web server says of its processes: their numbers, signals and codes. Its other arguments hold addresses.
_SERVER, _SIGNAL = "gunicorn.error", re.compile(r"SIG[A-Z0-9+]+")
_ARGUMENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")
_DEEPEST = 12

_Raised = tuple[type[BaseException], BaseException, TracebackType | None]


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger and message, then the request's route and status, and the class
    and place of an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _words(record),
            **_route(record),
        }
        if record.exc_info and record.exc_info[1]:
            entry["exception"] = described(record.exc_info)
        # Every other sign in ASCII: nothing that a terminal or a reader of lines would take for an end of line.
        return json.dumps(entry)


def _words(record: logging.LogRecord) -> str:
    if record.name.split(".")[0] in _OURS:
        return record.getMessage()
    if (
        record.name == _SERVER
        and isinstance(record.args, tuple)
        and record.args
        and all(map(_is_of_process, record.args))
    ):
        return record.getMessage()
    if isinstance(record.msg, str) and record.args and _ARGUMENT.search(record.msg):
        return _ARGUMENT.sub("…", record.msg)
    return _fixed(record)


def _is_of_process(argument: object) -> bool:
    return isinstance(argument, int) or (isinstance(argument, str) and bool(_SIGNAL.fullmatch(argument)))


def _fixed(record: logging.LogRecord) -> str:
    """A library's message without arguments may have been put together beforehand, so only its place is told."""
    return f"(message of {record.module}:{record.lineno} left out)"


def _route(record: logging.LogRecord) -> dict[str, Any]:
    """The name of the page; its path would hold the secret address of a draft."""
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    return {"route": match.view_name, "status": getattr(record, "status_code", None)} if match else {}


def described(raised: "_Raised | tuple[None, None, None]") -> list[str]:
    """The class of an exception and of what caused it, and the lines it passed, without one word of its text."""
    error = raised[1]
    lines: list[str] = []
    while error is not None and len(lines) < 4 * _DEEPEST:
        frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        state = getattr(error, "sqlstate", None)
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}{f' ({state})' if state else ''}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            lines.append("came from:")
    return lines
