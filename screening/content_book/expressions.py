"""Reads a rule's expression into a tree that can be said in words.

The grammar is the subset of CEL that rules may use (`screening.rules.Expression.problem`): comparisons of facts with
constants, texts and each other, joined by `&&`, `||`, `!` and parentheses.
"""

import ast
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>==|!=|<=|>=|<|>|&&|\|\||!|\(|\))
    )""",
    re.VERBOSE,
)
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class NotReadable(ValueError):
    """The expression is outside the subset; the book shows it as it is written."""


@dataclass(frozen=True)
class Name:
    """A fact, or a constant: those are written in capitals."""

    name: str

    @property
    def is_constant(self) -> bool:
        return self.name.isupper()


@dataclass(frozen=True)
class Words:
    """A text in quotes: the code of an answer."""

    text: str


Operand = Name | Words


@dataclass(frozen=True)
class Comparison:
    """A fact compared with a constant, a code or another fact; the fact stands on the left."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class Not:
    part: "Tree"


@dataclass(frozen=True)
class Every:
    parts: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Some:
    parts: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Always:
    """`true` or `false` as written."""

    value: bool


Tree = Comparison | Not | Every | Some | Always


def tree_of(source: str) -> Tree:
    """What an expression says. Raises NotReadable for whatever is outside the subset."""
    reader = _Reader(_tokens(source))
    tree = reader.some()
    if reader.next != "":
        raise NotReadable(f"something is left over: {reader.next}")
    return tree


def _tokens(source: str) -> list[str]:
    tokens, position, end = [], 0, len(source.rstrip())
    while position < end:
        match = _TOKEN.match(source, position)
        if match is None:
            raise NotReadable(f"not understood: {source[position : position + 20].strip()}")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent, one method a level: `||` binds least, then `&&`, then comparisons, then `!`."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    @property
    def next(self) -> str:
        """The token ahead, or nothing at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """The token ahead when it is one of these, else nothing."""
        token = self.next
        if not token or token not in wanted:
            return ""
        self.position += 1
        return token

    def some(self) -> Tree:
        parts = [self.every()]
        while self.take("||"):
            parts.append(self.every())
        return _joined(Some, parts)

    def every(self) -> Tree:
        parts = [self.comparison()]
        while self.take("&&"):
            parts.append(self.comparison())
        return _joined(Every, parts)

    def comparison(self) -> Tree:
        left = self.single()
        operator = self.take(*_MIRRORED)
        if not operator:
            if isinstance(left, (Name, Words)):
                raise NotReadable(f"{self.tokens[self.position - 1]} is compared with nothing")
            return left
        right = self.single()
        if not (isinstance(left, (Name, Words)) and isinstance(right, (Name, Words))) or self.next in _MIRRORED:
            raise NotReadable(f"{operator} compares something that is not a name or a text")
        if _is_fact(right) and not _is_fact(left):
            return Comparison(right, _MIRRORED[operator], left)
        return Comparison(left, operator, right)

    def single(self) -> Tree | Operand:
        if self.take("!"):
            part = self.single()
            if isinstance(part, (Name, Words)):
                raise NotReadable("! stands before something that is neither true nor false")
            return Not(part)
        if self.take("("):
            inner = self.some()
            if not self.take(")"):
                raise NotReadable("a parenthesis is not closed")
            return inner
        word = self.next
        self.position += 1
        if word in ("true", "false"):
            return Always(word == "true")
        if word[:1] in ('"', "'"):
            return Words(ast.literal_eval(word))
        if not (word[:1].isalpha() or word[:1] == "_"):
            raise NotReadable(f"a name is missing before '{word}'" if word else "it ends too early")
        return Name(word)


def _is_fact(operand: Operand) -> bool:
    return isinstance(operand, Name) and not operand.is_constant


def _joined(kind: type[Some] | type[Every], parts: list[Tree]) -> Tree:
    """The parts as one, those of the same kind taken up: `a || (b || c)` is three alternatives."""
    if len(parts) == 1:
        return parts[0]
    return kind(tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))))
