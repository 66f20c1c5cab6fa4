"""Numbers inside answers that were typed in one unit or another. Exact decimals: rules compare, nobody rounds."""

from collections.abc import Mapping
from decimal import Decimal

from intake.questionnaires import Item

_CM_PER_INCH = Decimal("2.54")
_KG_PER_POUND = Decimal("0.45359237")


def height_cm(answer: Mapping[str, str]) -> Decimal:
    """Centimetres from a height answer: `cm`, or `feet` with or without `inches`."""
    if "cm" in answer:
        return _typed(answer["cm"])
    inches = 12 * _typed(answer["feet"]) + _typed(answer.get("inches", "0"))
    return inches * _CM_PER_INCH


def weight_kg(answer: Mapping[str, str]) -> Decimal:
    """Kilograms from a weight answer: `kg` or `pounds`."""
    if "kg" in answer:
        return _typed(answer["kg"])
    return _typed(answer["pounds"]) * _KG_PER_POUND


def _typed(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def measures(item: Item, answer: object) -> dict[str, Decimal]:
    """The measures of one answer by the names of the item's ranges.

    `value`, or `systolic` and `diastolic`. Empty for other types, and for an answer in no shape of its type.
    """
    try:
        found = _measures(item, answer)
    except (ArithmeticError, AttributeError, KeyError, TypeError):
        return {}
    return found if all(number.is_finite() for number in found.values()) else {}


def _measures(item: Item, answer: object) -> dict[str, Decimal]:
    if item.type == "height" and isinstance(answer, Mapping):
        return {"value": height_cm(answer)}
    if item.type == "weight" and isinstance(answer, Mapping):
        return {"value": weight_kg(answer)}
    if item.type == "blood_pressure" and isinstance(answer, Mapping):
        return {part: _typed(answer[part]) for part in ("systolic", "diastolic")}
    if item.type == "number" and isinstance(answer, str):
        return {"value": _typed(answer)}
    return {}


def implausible(item: Item, answer: object) -> bool:
    """Whether a measure lies outside the plausible range, or a blood pressure has its numbers the wrong way round."""
    values = measures(item, answer)
    outside = any(not item.ranges[part].minimum <= value <= item.ranges[part].maximum for part, value in values.items())
    return outside or ("systolic" in values and values["systolic"] <= values["diastolic"])
