"""Rule expressions as trees, and every small way of getting one wrong."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

_TOKEN = re.compile(r'\s*("[^"]*"|&&|\|\||[=!<>]=|[<>!()]|[A-Za-z_][A-Za-z0-9_]*)')
_EQUALITY = ("==", "!=")
_ORDER = ("<", "<=", ">", ">=")
_TRUTHS = {"true": "false", "false": "true"}


@dataclass(frozen=True)
class Word:
    """A fact, a constant, a text in quotes, or `true` and `false`."""

    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True)
class Comparison:
    left: Word
    operator: str
    right: Word

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Not:
    part: "Node"

    def __str__(self) -> str:
        return f"!({self.part})"


@dataclass(frozen=True)
class Chain:
    """Two or more parts joined by `&&` or by `||`."""

    operator: str
    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(f"({part})" if isinstance(part, Chain) else str(part) for part in self.parts)


Node = Word | Comparison | Not | Chain


class NotUnderstood(ValueError):
    """An expression beyond the language that rules are written in."""


def parse(source: str) -> Node:
    tokens, position = [], 0
    text = source.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise NotUnderstood(f"{source}: at {text[position:]!r}")
        tokens.append(match[1])
        position = match.end()
    node, rest = _chain(tokens, "||")
    if rest:
        raise NotUnderstood(f"{source}: at {' '.join(rest)!r}")
    return node


_Read = tuple[Node, list[str]]


def _chain(tokens: list[str], operator: str) -> _Read:
    """`&&` binds more tightly than `||`, as in CEL."""
    tighter: Callable[[list[str]], _Read] = (lambda t: _chain(t, "&&")) if operator == "||" else _single
    part, tokens = tighter(tokens)
    parts = [part]
    while tokens[:1] == [operator]:
        part, tokens = tighter(tokens[1:])
        parts.append(part)
    return (Chain(operator, tuple(parts)) if len(parts) > 1 else parts[0]), tokens


def _single(tokens: list[str]) -> _Read:
    match tokens:
        case ["!", *rest]:
            node, rest = _single(rest)
            return Not(node), rest
        case ["(", *rest]:
            node, rest = _chain(rest, "||")
            if rest[:1] != [")"]:
                raise NotUnderstood("a parenthesis is not closed")
            return node, rest[1:]
        case [left, operator, right, *rest] if operator in (*_EQUALITY, *_ORDER):
            return Comparison(Word(left), operator, Word(right)), rest
        case [word, *rest] if word not in ("&&", "||", ")"):
            return Word(word), rest
    raise NotUnderstood("it ends too early")


@dataclass(frozen=True)
class Slips:
    """What a slip may put in the place of a constant or of a text: `steps` by constant, `codes` by fact."""

    constants: Mapping[str, float]
    steps: Mapping[str, float]
    codes: Mapping[str, frozenset[str]]

    def of(self, node: Node) -> Iterator[tuple[str, str, Node]]:
        """Every variant of a tree that differs in one place: its kind, the slip in words, and the tree."""
        match node:
            case Word(source) if source in _TRUTHS:
                yield "negation", f"{source} -> {_TRUTHS[source]}", Word(_TRUTHS[source])
            case Comparison():
                yield from self._of_comparison(node)
            case Not(part):
                yield "negation", f"{node} -> {part}", part
                yield from ((kind, words, Not(other)) for kind, words, other in self.of(part))
            case Chain():
                yield "negation", f"{node} -> negated", Not(node)
                yield from self._of_chain(node)

    def _of_comparison(self, node: Comparison) -> Iterator[tuple[str, str, Node]]:
        for operator in _EQUALITY if node.operator in _EQUALITY else _ORDER:
            if operator != node.operator:
                yield "comparison", f"{node} -> {operator}", replace(node, operator=operator)
        for side in ("left", "right"):
            word: Word = getattr(node, side)
            other: Word = node.left if side == "right" else node.right
            for step in (-1, 1) if word.source in self.constants else ():
                moved = self.constants[word.source] + step * self.steps[word.source]
                # Rounded, because 16 + 0.1 in binary would not be the number that the words name.
                number = repr(round(moved, 6))
                yield "threshold", f"{node} -> {number}", _with(node, side, number)
            if word.source.startswith('"'):
                for code in sorted(self.codes.get(other.source, frozenset()) - {word.source.strip('"')}):
                    yield "option code", f'{node} -> "{code}"', _with(node, side, f'"{code}"')

    def _of_chain(self, node: Chain) -> Iterator[tuple[str, str, Node]]:
        other = "&&" if node.operator == "||" else "||"
        parts = node.parts
        for index, part in enumerate(parts):
            yield "dropped clause", f"without {part}", _joined(node.operator, (*parts[:index], *parts[index + 1 :]))
            for kind, words, variant in self.of(part):
                yield kind, words, Chain(node.operator, (*parts[:index], variant, *parts[index + 1 :]))
        for index in range(1, len(parts)):
            yield "connective", f"{other} before {parts[index]}", _flipped(node.operator, other, parts, index)


def _with(node: Comparison, side: str, source: str) -> Comparison:
    return replace(node, left=Word(source)) if side == "left" else replace(node, right=Word(source))


def _joined(operator: str, parts: Sequence[Node]) -> Node:
    return Chain(operator, tuple(parts)) if len(parts) > 1 else parts[0]


def _flipped(operator: str, other: str, parts: tuple[Node, ...], index: int) -> Node:
    """A chain with another connective at one place, grouped as CEL would group it."""
    before, after = parts[:index], parts[index:]
    if operator == "&&":
        return Chain(other, (_joined(operator, before), _joined(operator, after)))
    pair = Chain(other, (before[-1], after[0]))
    return _joined(operator, (*before[:-1], pair, *after[1:]))
