"""Conditions in words: those of rules and those of questions, as one kind of tree for the templates.

A node is either a line (`label`, `says`) or a group (`lead`, `parts`).
"""

from dataclasses import dataclass

from intake.questionnaires import Condition, Item
from screening.content_book.expressions import (
    Always,
    Comparison,
    Every,
    Name,
    Not,
    NotReadable,
    Some,
    Tree,
    Words,
    tree_of,
)
from screening.content_book.names import Names, with_unit
from screening.rules import Expression

_BY_SIZE = {
    "==": "exactly {}",
    "!=": "anything but {}",
    "<": "less than {}",
    "<=": "{} or less",
    ">": "more than {}",
    ">=": "{} or more",
}
_BESIDE = {
    "==": "the same as {}",
    "!=": "different from {}",
    "<": "below {}",
    "<=": "not above {}",
    ">": "above {}",
    ">=": "not below {}",
}
_ALL, _ANY = "all of these", "any of these"


@dataclass(frozen=True)
class Node:
    """A line has `says` and mostly a `label`: a fact, with where the book describes it (`href`, and the number of its
    question as `place`). It may name a threshold (`constant`)."""

    lead: str = ""
    parts: "tuple[Node, ...]" = ()
    label: str = ""
    says: str = ""
    href: str = ""
    place: str = ""
    constant: str = ""

    @classmethod
    def about(cls, fact: str, says: str, names: Names, *, constant: str = "") -> "Node":
        href, place = names.place(fact)
        return cls(label=names.label(fact), says=says, href=href, place=place, constant=constant)

    @property
    def in_one_line(self) -> str:
        """For comparing two versions side by side; groups within groups stand in parentheses."""
        return self._in_one_line(outermost=True)

    def _in_one_line(self, *, outermost: bool) -> str:
        if not self.parts:
            return f"{self.label}: {self.says}" if self.label else self.says
        inner = [part._in_one_line(outermost=False) for part in self.parts]
        if self.lead in (_ALL, _ANY):
            joined = (" AND " if self.lead == _ALL else " OR ").join(inner)
            return joined if outermost else f"({joined})"
        return f"{self.lead}: ({', '.join(inner)})"


def rule_condition(expression: Expression, names: Names) -> Node:
    """An expression in words; as it is written when it can not be read."""
    try:
        return _node(tree_of(expression.source), names)
    except NotReadable:
        return Node(says=expression.source)


def _node(tree: Tree, names: Names) -> Node:
    match tree:
        case Always(value):
            return Node(says="always" if value else "never")
        case Every(parts):
            return Node(lead=_ALL, parts=tuple(_node(part, names) for part in parts))
        case Some(parts):
            return Node(lead=_ANY, parts=tuple(_node(part, names) for part in parts))
        case Not(Some(parts)):
            return Node(lead="none of these", parts=tuple(_node(part, names) for part in parts))
        case Not(part):
            return Node(lead="it is not true that", parts=(_node(part, names),))
        case Comparison():
            return _line(tree, names)


def _line(comparison: Comparison, names: Names) -> Node:
    left, right = comparison.left, comparison.right
    if not isinstance(left, Name) or left.is_constant:
        return Node(says=f"{_shown(left)} {comparison.operator} {_shown(right)}")
    if isinstance(right, Words):
        answer = names.answer(left.name, right.text)
        says = answer if comparison.operator == "==" else f"anything but {answer}"
        return Node.about(left.name, says, names)
    constant = names.rule_set.constants.get(right.name)
    if constant is None:
        return Node.about(left.name, _BESIDE[comparison.operator].format(names.label(right.name)), names)
    says = _BY_SIZE[comparison.operator].format(with_unit(constant.value, constant.unit))
    return Node.about(left.name, says, names, constant=right.name)


def _shown(operand: Name | Words) -> str:
    return operand.name if isinstance(operand, Name) else f"“{operand.text}”"


def asking_condition(item: Item, names: Names) -> Node | None:
    """When an item is asked, or None when everybody is."""
    lines = tuple(_asked_line(condition, names) for condition in item.enable_when)
    if len(lines) < 2:
        return lines[0] if lines else None
    return Node(lead=_ANY if item.enable_any else _ALL, parts=lines)


def _asked_line(condition: Condition, names: Names) -> Node:
    question, operator, answer = condition.question, condition.operator, condition.answer
    if operator == "exists":
        return Node.about(question, "answered" if answer else "not answered", names)
    operator = {"=": "=="}.get(operator, operator)
    if isinstance(answer, str):
        item = names.questionnaire.questions.get(question)
        ticked = " ticked" if item and item.type == "multiple_choice" else ""
        says = f"{names.answer(question, answer)}{ticked}"
        return Node.about(question, says if operator == "==" else f"anything but {says}", names)
    return Node.about(question, _BY_SIZE[operator].format(names.value(question, float(answer))), names)
