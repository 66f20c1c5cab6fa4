from collections.abc import Callable
from pathlib import Path

import pytest

from clinic_site.encryption.keyring import Ring, write_ring


@pytest.fixture
def other_keys(settings, tmp_path) -> Callable[[Ring], Path]:
    """`other_keys(ring)` puts a key file of its own in place of the installation's, for this test."""
    path = tmp_path / "master.key"

    def use(ring: Ring) -> Path:
        write_ring(path, ring, new=not path.exists())
        settings.MASTER_KEY, settings.MASTER_KEY_FILE = "", str(path)
        return path

    return use
