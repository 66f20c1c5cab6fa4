"""Content documents: folders of YAML that are read strictly, checked with errors a clinician can act on, and hashed.

A document's *source* is its files as they were written (name to text). Its *tree* is what they say as plain JSON
values, its *canonical form* the tree as JSON with sorted keys, and its identity the SHA-256 of that. Everything at
run time is
built from the tree, so a document in the database and one in a folder are read by the same code.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Problem:
    """One thing to mend: where (file and entry) and what to write instead."""

    file: str
    entry: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.entry}: {self.message}" if self.entry else f"{self.file}: {self.message}"


class ContentError(ValueError):
    """A document that can not be published, with every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class _Loader(yaml.CSafeLoader):
    """YAML without its surprises: yes and no are words, dates are text, and a key given twice is refused."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key) for key, _ in node.value]
    for index, key in enumerate(keys):
        if isinstance(key, (list, dict)):
            mark = node.value[index][0].start_mark
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", mark)
        if key in keys[:index]:
            line = node.value[index][0].start_mark.line + 1
            raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands twice (line {line})")
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value, strict=True)}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_source(folder: Path) -> dict[str, str]:
    """The YAML files of a folder by name, as written. Raises ContentError when there are none or one is not text."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ContentError([Problem(str(folder.name), "", "holds no .yaml file")])
    source: dict[str, str] = {}
    problems = []
    for path in files:
        try:
            source[path.name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            problems.append(Problem(path.name, f"byte {error.start + 1}", "is not UTF-8 text: save it as UTF-8"))
    if problems:
        raise ContentError(problems)
    return source


def parse_source(source: Mapping[str, str]) -> dict[str, Any]:
    """What the files say, by file name.

    Raises ContentError that names the file and the line of whatever is not YAML.
    """
    tree: dict[str, Any] = {}
    problems = []
    for name in sorted(source):
        try:
            tree[name] = yaml.load(source[name], Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark else ""
            problems.append(Problem(name, where, f"is not valid YAML: {getattr(error, 'problem', None) or error}"))
    if problems:
        raise ContentError(problems)
    return tree


def canonical_form(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_hash(tree: Any) -> str:
    return sha256(canonical_form(tree).encode()).hexdigest()


@dataclass
class Entry:
    """One mapping of a document, read key by key.

    Mistakes are added to `problems`; `done` reports what nobody asked for.
    """

    values: dict[str, Any]
    file: str
    name: str
    problems: list[Problem]
    _read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, values: Any, *, file: str, name: str, problems: list[Problem]) -> "Entry":
        if not isinstance(values, dict):
            problems.append(Problem(file, name, "must be a mapping of keys to values"))
            values = {}
        return cls(values, file, name, problems)

    def problem(self, message: str) -> None:
        self.problems.append(Problem(self.file, self.name, message))

    def raw(self, key: str, default: Any = None, *, required: bool = False) -> Any:
        self._read.add(key)
        if required and self.values.get(key) is None:
            self.problem(f"add '{key}'")
        value = self.values.get(key)
        return default if value is None else value

    def _typed(self, key: str, kind: type | tuple[type, ...], wanted: str, default: Any, required: bool) -> Any:
        value = self.raw(key, required=required)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.problem(f"'{key}' must be {wanted}, not {json.dumps(value, default=str, ensure_ascii=False)[:60]}")
            return default
        return value

    def string(self, key: str, default: str = "", *, required: bool = False) -> str:
        return self._typed(key, str, "text", default, required)

    def word(self, key: str, allowed: Iterable[str], default: str = "", *, required: bool = False) -> str:
        value = self.string(key, required=required)
        allowed = list(allowed)
        if not value or value in allowed:
            return value or default
        self.problem(f"'{key}: {value}' is not known: {_instead(value, allowed)}")
        return default

    def mapping(self, key: str) -> dict[Any, Any]:
        return self._typed(key, dict, "a mapping of names to entries", {}, False)

    def flag(self, key: str, default: bool = False) -> bool:
        return self._typed(key, bool, "true or false", default, False)

    def number(self, key: str, default: float | None = None, *, required: bool = False) -> float | None:
        return self._typed(key, (int, float), "a number", default, required)

    def strings(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        values = self._typed(key, list, "a list", [], required)
        if not all(isinstance(value, str) for value in values):
            self.problem(f"'{key}' must be a list of words")
            return ()
        return tuple(values)

    def text(self, key: str, languages: Iterable[str], *, required: bool = False) -> dict[str, str]:
        """A sentence by language, e.g. {en: …}. Every language of the document must be there and not be empty."""
        value = self.raw(key, required=required)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(words, str) for words in value.values()):
            self.problem(f"'{key}' must be written by language, for example {key}: {{en: …}}")
            return {}
        for language in languages:
            if not value.get(language, "").strip():
                self.problem(f"'{key}' has no text in '{language}'")
        return {language: words.strip() for language, words in value.items()}

    def entries(self, key: str, label: str, *, required: bool = False) -> "list[Entry]":
        """The mappings of a list, each named by its `label` key in errors."""
        values = self._typed(key, list, "a list of entries", [], required)
        return [self._child(value, key, label, index) for index, value in enumerate(values)]

    def _child(self, value: Any, key: str, label: str, index: int) -> "Entry":
        own = value.get(label) if isinstance(value, dict) else None
        name = str(own) if own else f"{self.name} {key}[{index + 1}]".strip()
        return Entry.of(value, file=self.file, name=name, problems=self.problems)

    def done(self) -> None:
        for key in self.values.keys() - self._read:
            self.problem(f"the key '{key}' is not known: {_instead(str(key), self._read)}")


def _instead(value: str, allowed: Iterable[str]) -> str:
    allowed = sorted(allowed)
    close = difflib.get_close_matches(value, allowed, n=1)
    return f"did you mean '{close[0]}'?" if close else f"write one of {', '.join(allowed)}"
