"""The shape in which an answer of each type is kept.

Forms write no other. Whatever else should stand in a stored document is no answer, so that it can not clear anybody.
"""

import datetime
import re
from typing import Any

from intake.measures import measures
from intake.questionnaires import Item

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")


def has_shape(item: Item, value: Any) -> bool:
    match item.type:
        case "choice":
            return item.option(value) is not None
        case "multiple_choice":
            return isinstance(value, list) and bool(value) and all(item.option(code) for code in value)
        case "date" | "partial_date":
            return isinstance(value, str) and is_partial_date(value)
        case "number" | "height" | "weight" | "blood_pressure":
            return bool(measures(item, value))
        case "medicines":
            return isinstance(value, dict) and isinstance(value.get("none"), bool) and _are_rows(value.get("rows"))
        case "signature":
            return isinstance(value, dict) and value.get("decision") in ("signed", "declined")
        case "phone":
            return isinstance(value, dict) and isinstance(value.get("e164"), str) and bool(value["e164"])
        case "address":
            return isinstance(value, dict)
    return isinstance(value, str) and bool(value.strip())


def _are_rows(rows: Any) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("dose"), str) for row in rows
    )


def is_partial_date(text: str) -> bool:
    """Whether this is `2019`, `2019-03` or `2019-03-05`, and a day that there was or will be."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return True
