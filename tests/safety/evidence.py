"""What the evidence table tests share: a person of whom everything is known, changed, and what is listed then.

The words: a tier alone is a rule that fired; `worst case` one that assumes the worst; `held` a finding that is itself a
hold; `ask` and `hold` are open questions at info; `open <tier>` an open question at a tier.
"""

from collections.abc import Mapping
from typing import Any

from tests.safety.people import NOTHING_TO_FLAG, FactFile, flags

UNKNOWN = ("not_sure", "prefer_not_to_say", "skipped")
Row = tuple[FactFile, dict[str, str]]


def takes(*lines: str) -> FactFile:
    return {"medicines_as_typed": list(lines), "takes_no_medicines_confirmed": "no"}


def listed(changes: FactFile) -> dict[str, str]:
    """Every flag of the person who has nothing to flag, with these changes."""
    found = {}
    for name, issue in flags({**NOTHING_TO_FLAG, **changes}).items():
        if issue.status == "fired":
            words = "held" if issue.hold else issue.tier
        else:
            assert issue.status == "unresolved"
            words = "hold" if issue.hold else "ask" if issue.tier == "info" else f"open {issue.tier}"
        assert not issue.hold or issue.tier == "info"
        found[name] = words + (" worst case" if issue.worst_case_assumed else "")
    return found


def row_name(part: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in part.items()) or "nothing"
