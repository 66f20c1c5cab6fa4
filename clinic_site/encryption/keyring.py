"""The keys of the installation, which lie outside the database: in MASTER_KEY_FILE, or in the variable MASTER_KEY.

One key a line (in the variable also with commas between), 32 bytes in base64 after a word that says what it is for:

    master <key>        the current one: wraps every new data key
    master <key>        an older one: opens what is not wrapped anew yet
    derivation <key>    gives the keys of all other uses, which rotation must not change

A key alone, which is what earlier versions wrote, is the current master key, and the derivation key as well.
"""

import base64
import logging
import os
import secrets
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

log = logging.getLogger(__name__)
KEY_BYTES = 32
# Random keys have about 30 different bytes; one that was typed or zeroed has few.
_LEAST_DIFFERENT_BYTES = 16


@dataclass(frozen=True, repr=False)
class Ring:
    """The master keys, current one first, and the derivation key. Never printed."""

    masters: tuple[bytes, ...]
    derivation: bytes

    @property
    def current(self) -> bytes:
        return self.masters[0]

    def to_text(self) -> str:
        lines = [("master", key) for key in self.masters] + [("derivation", self.derivation)]
        return "".join(f"{use} {base64.b64encode(key).decode()}\n" for use, key in lines)

    def with_new_master(self) -> "Ring":
        return replace(self, masters=(secrets.token_bytes(KEY_BYTES), *self.masters))

    def without_older(self) -> "Ring":
        return replace(self, masters=self.masters[:1])


@dataclass(frozen=True)
class _Read:
    path: str
    # Time of change, i-node and size: another file, or the same one written anew, is read again.
    stamp: tuple[int, int, int]
    ring: Ring


_last: _Read | None = None
_complained = False


def fingerprint(key: bytes) -> str:
    """Names a key without saying anything about it."""
    return sha256(b"id:" + key).hexdigest()[:12]


def new_ring() -> Ring:
    return Ring((secrets.token_bytes(KEY_BYTES),), secrets.token_bytes(KEY_BYTES))


def ring() -> Ring:
    """The keys as they stand in the file now, so that every process follows a rotation at once.

    Raises ImproperlyConfigured, by the name of the setting, when there is none to use. A file that vanishes or is
    damaged under a running process changes nothing for that process.
    """
    global _last, _complained
    if settings.MASTER_KEY:
        return _from_variable(settings.MASTER_KEY)
    path = settings.MASTER_KEY_FILE
    if not path:
        raise ImproperlyConfigured("MASTER_KEY_FILE is not set: name the file that holds the base64 master key.")
    known = _last if _last and _last.path == path else None
    try:
        found = os.stat(path)
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if known and known.stamp == stamp:
            return known.ring
        read = _Read(path, stamp, parse(Path(path).read_bytes(), setting="MASTER_KEY_FILE"))
    except (OSError, ImproperlyConfigured) as error:
        if known is None:
            if isinstance(error, ImproperlyConfigured):
                raise
            raise ImproperlyConfigured(f"MASTER_KEY_FILE can not be read: {type(error).__name__}.") from error
        if not _complained:
            log.error("MASTER_KEY_FILE can not be read any more. This process goes on; the next one will not start.")
        _complained = True
        return known.ring
    _last, _complained = read, False
    return read.ring


@lru_cache(maxsize=4)
def _from_variable(text: str) -> Ring:
    return parse(text.replace(",", "\n").encode(), setting="MASTER_KEY")


def parse(content: bytes, *, setting: str) -> Ring:
    masters: list[bytes] = []
    derivations: list[bytes] = []
    for line in content.splitlines() or [b""]:
        words = line.split()
        if not words and masters:
            continue
        use, key = (words[0], words[1]) if len(words) == 2 else (b"", b"".join(words))
        if use not in (b"", b"master", b"derivation"):
            raise ImproperlyConfigured(f"{setting} can not be read as base64: a line begins with an unknown word.")
        (derivations if use == b"derivation" else masters).append(_key(key, setting))
        if not use:
            derivations.append(masters[-1])
    if not masters or len(derivations) != 1:
        raise ImproperlyConfigured(f"{setting} must hold at least one master key and exactly one derivation key.")
    if len(set(masters)) != len(masters):
        raise ImproperlyConfigured(f"{setting} holds the same master key twice.")
    return Ring(tuple(masters), derivations[0])


def _key(text: bytes, setting: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting} can not be read as base64: {type(error).__name__}.") from error
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{setting} must hold 32 bytes in base64.")
    if len(set(key)) < _LEAST_DIFFERENT_BYTES:
        raise ImproperlyConfigured(f"{setting} holds a key that is not random: make one with `manage.py keys create`.")
    return key


def write_ring(path: Path, ring: Ring, *, new: bool = False) -> None:
    """Writes the file at once or not at all. `new` raises FileExistsError rather than lose a key that is there."""
    mode = 0o600 if new else path.stat().st_mode & 0o777
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(ring.to_text())
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    try:
        if new:
            os.link(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
