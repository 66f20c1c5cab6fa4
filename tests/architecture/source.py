"""The program's own source, as the architecture tests read it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("intake", "screening", "clinic_site")
# What stands on top of all rooms. Every other module of clinic_site is a leaf app underneath them.
WIRING = (
    "settings",
    "urls",
    "wsgi",
    "apps",
    "checks",
    "errors",
    "browser_reports",
    "health",
    "web_server",
    "views",
    "admin_site",
    "context",
    "middleware",
    "unreadable",
    "log_lines",
    "launcher",
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def python_files() -> tuple[Path, ...]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return (*sorted(found), ROOT / "manage.py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=relative(path))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, at its top or inside a function, also by `import_module("name")`."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str))


def room_of(module: str) -> str:
    """`wiring`, `screening`, `intake`, `leaf`, or nothing for a module that is not ours."""
    first, _dot, rest = module.partition(".")
    if first in ("intake", "screening"):
        return first
    if first == "clinic_site":
        return "wiring" if rest.split(".")[0] in WIRING else "leaf"
    return ""
