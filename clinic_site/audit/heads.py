"""The heads of all chains in a file that the database can not reach.

Whoever cuts the newest entries off the database leaves a chain that fits; this file remembers that there was more. One
JSON line a chain and moment, signed. Ship it to another machine, or set it append-only (`chattr +a`).
"""

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from clinic_site.audit.chain import INSTALLATION, signature
from clinic_site.audit.models import AuditSeal
from clinic_site.clinics.models import Clinic

_TAIL_BYTES = 4 * 1024 * 1024
Heads = dict[uuid.UUID, tuple[int, bytes]]


class ForgedHead(Exception):
    """A line of the file was not written by this installation, or was altered."""


@dataclass(frozen=True)
class Head:
    chain: uuid.UUID
    sequence: int
    hash: bytes
    at: datetime


def heads_file() -> Path | None:
    return Path(settings.AUDIT_HEADS_FILE) if settings.AUDIT_HEADS_FILE else None


def current_heads() -> Heads:
    """The newest seal of every chain. One look into the index for each: the table is never read through."""
    heads = {}
    for chain in (INSTALLATION, *Clinic.objects.order_by("id").values_list("id", flat=True)):
        newest = AuditSeal.objects.filter(chain=chain).order_by("-sequence").values_list("sequence", "hash").first()
        if newest is not None:
            heads[chain] = (newest[0], bytes(newest[1]))
    return heads


def write_heads(heads: Heads, path: Path) -> None:
    """Appends a line for each chain and waits until the disk has it.

    Where there is no chain yet the file is touched: its age says whether the worker lives.
    """
    now = timezone.now().isoformat()
    lines = "".join(
        _line(f"{now} {chain} {sequence} {digest.hex()}") for chain, (sequence, digest) in sorted(heads.items())
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, lines.encode())
        os.utime(descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(text: str) -> str:
    return json.dumps({"head": text, "signature": signature(text)}) + "\n"


def read_heads(lines: Iterable[str]) -> Iterator[Head]:
    """Raises ForgedHead by the number of the first line that does not hold."""
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            at, chain, sequence, digest = entry["head"].split()
            genuine = signature(entry["head"]) == entry["signature"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForgedHead(f"line {number} can not be read") from error
        if not genuine:
            raise ForgedHead(f"line {number} has a wrong signature")
        yield Head(uuid.UUID(chain), int(sequence), bytes.fromhex(digest), datetime.fromisoformat(at))


def last_heads(path: Path) -> Heads:
    """What the file says last of every chain; nothing where there is no file yet."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        # Every five minutes all chains are written, so the end of the file names each; the first line may be a piece.
        lines = file.read().decode(errors="replace").splitlines()[1 if file.tell() > _TAIL_BYTES else 0 :]
    return {head.chain: (head.sequence, head.hash) for head in read_heads(lines)}
