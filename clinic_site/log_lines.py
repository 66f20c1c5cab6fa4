"""What a line of the log may hold.

An exception's text may quote what somebody typed (a form's value, a row that PostgreSQL refused), and so may the
arguments that a library hands to its logger. Neither is written: an exception is named by its class and the lines it
passed, a library's message by its own words without the arguments.
"""

import logging
import re
import traceback
from types import TracebackType

# Loggers whose calls were read: they hand over references, rule ids, counts and class names.
_OURS = ("intake", "screening", "clinic_site")
_ARGUMENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")
_DEEPEST = 12

_Raised = tuple[type[BaseException], BaseException, TracebackType | None]


class PlainLines(logging.Formatter):
    """`time level logger message`, then the request's route and an exception's class and place."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {_words(record)}"
        if route := _route(record):
            line += f" route={route}"
        if record.exc_info and record.exc_info[1]:
            line += f"\n{described(record.exc_info)}"
        return line.replace("\r", " ").replace("\0", " ")


def _words(record: logging.LogRecord) -> str:
    if record.name.split(".")[0] in _OURS:
        return record.getMessage()
    if isinstance(record.msg, str) and record.args and _ARGUMENT.search(record.msg):
        return _ARGUMENT.sub("…", record.msg)
    return _fixed(record)


def _fixed(record: logging.LogRecord) -> str:
    """A library's message without arguments may have been put together beforehand, so only its place is told."""
    return f"(message of {record.module}:{record.lineno} left out)"


def _route(record: logging.LogRecord) -> str:
    """The name of the page; its path would hold the secret address of a draft."""
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    return f"{match.view_name} status={getattr(record, 'status_code', '')}" if match else ""


def described(raised: "_Raised | tuple[None, None, None]") -> str:
    """The class of an exception and of what caused it, and the lines it passed, without one word of its text."""
    error = raised[1]
    lines: list[str] = []
    while error is not None and len(lines) < 4 * _DEEPEST:
        frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        state = getattr(error, "sqlstate", None)
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}{f' ({state})' if state else ''}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            lines.append("came from:")
    return "\n".join(lines)
