"""What no source file may do: build SQL or markup out of text, or run text. Read off the syntax, so that a new file can not forget."""

import ast
import re

import pytest

from tests.architecture.source import ROOT, python_files, relative, tree_of

FILES = [path for path in python_files() if "migrations" not in path.parts]
# The book becomes a PDF and is never sent as a page, so its style stands in it.
TEMPLATES = sorted(set((ROOT / "templates").rglob("*.html")) - {ROOT / "templates" / "content_book" / "book.html"})
# Calls that are forbidden by name, with the files that may make them all the same, and why.
FORBIDDEN = {
    "RawSQL": {"screening/models.py"},  # the newest row of each kind in one statement, of constants
    "literal_eval": {"screening/content_book/expressions.py"},  # a literal of a published rule
    "extra": set(),
    "mark_safe": {"clinic_site/jinja.py"},  # a part of a page, whose template escaped everything
    "SafeString": set(),
    "SafeText": set(),
    "from_string": {"screening/benchmark/reference.py"},  # the template to compare with, a constant
    "Template": set(),
    "urlize": set(),
    "striptags": set(),
    "strip_tags": set(),
    "eval": set(),
    "exec": set(),
    "system": set(),
    "popen": set(),
}
# Files whose SQL is put together, with why; every other statement is a text in place or a constant of its module.
BUILT_SQL = {
    "clinic_site/records/composed.py",  # what Django composed of a queryset
    "clinic_site/database/privileges.py",  # the names of tables and roles, quoted by psycopg.sql
    "screening/benchmark/bench.py",  # copies rows of the tables that it measures
    "screening/benchmark/reference.py",  # as many placeholders as there are rows
}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "jinja2", "subprocess"}
# The one environment of Jinja, which escapes everything.
THE_ENVIRONMENT = "clinic_site/jinja.py"
# The launcher starts the database and the server; the safety proof runs the mutants. Neither serves a page.
MAY_START_PROGRAMS = ("clinic_site/launcher/", "screening/safety/", "screening/management/", "screening/benchmark/")
IN_TEMPLATES = re.compile(
    r"\|\s*(?:safe|safeseq|urlize|urlizetrunc|striptags|truncate\w*_html)\b|\{%-?\s*(?:autoescape|debug|ssi)\b|<script>|\son\w+=|\sstyle=|<style|javascript:"
)


def found_in(source, path="example.py"):
    """What a source does that it may not."""
    tree, where = (source, path) if isinstance(source, ast.Module) else (ast.parse(source), path)
    wrong = []
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    constants = {target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            started = where.startswith(MAY_START_PROGRAMS)
            may = {"jinja2"} if where == THE_ENVIRONMENT else set()
            wrong += [f"import {n}" for n in names if n.split(".")[0] in FORBIDDEN_IMPORTS - may and not started]
        if isinstance(node, ast.Call):
            wrong += _wrong_call(node, where, constants)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign) and "URLField" in ast.dump(node):
            wrong.append("URLField")
    return wrong


def _wrong_call(call, where, constants):
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    spelled = ast.unparse(call.func)
    wrong = []
    if name in FORBIDDEN and where not in FORBIDDEN[name]:
        wrong.append(name)
    if (name in ("execute", "executemany") and "cursor" in spelled or spelled.endswith("objects.raw")) and call.args:
        statement = call.args[0]
        fixed = isinstance(statement, ast.Constant) or (isinstance(statement, ast.Name) and statement.id in constants)
        wrong += [] if fixed or where in BUILT_SQL else [f"SQL that is no constant: {ast.unparse(statement)}"]
    if spelled == "yaml.load" and not any(
        k.arg == "Loader" and "Loader" in ast.unparse(k.value) for k in call.keywords
    ):
        wrong.append("yaml.load")
    if name in ("format_html", "format_html_join") and not all(isinstance(a, ast.Constant) for a in call.args[:1]):
        wrong.append("format_html of what is no constant")
    wrong += [
        f"**{ast.unparse(k.value)}" for k in call.keywords if k.arg is None and "request." in ast.unparse(k.value)
    ]
    if name in ("order_by", "filter", "exclude", "values", "annotate") and re.search(
        r"request\.(GET|POST|headers|META)", ast.unparse(call)
    ):
        wrong.append(f"{name} of what was sent")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_source_file_runs_no_text_and_builds_no_sql_or_markup_from_it(path):
    assert found_in(tree_of(path), relative(path)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_escapes_everything_and_holds_no_script_or_style(path):
    assert IN_TEMPLATES.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted((ROOT / "clinic_site" / "static").rglob("*.js")), ids=lambda path: path.name)
def test_a_script_of_ours_writes_no_markup_and_runs_no_text(path):
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\s*[\"'`]|\.srcdoc"
    )
    assert re.findall(sinks, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "cursor.execute(f'SELECT {x}')",
        "cursor.execute('SELECT ' + x)",
        "cursor.execute('SELECT %s' % x)",
        "cursor.execute('SELECT {}'.format(x))",
        "connection.cursor().execute(sql)",
        "cursor.execute(SQL)",
        "sql = x\ncursor.execute(sql)",
        "Case.objects.raw(sql)",
        "Case.objects.extra(where=[x])",
        "RawSQL('1', ())",
        "Case.objects.filter(**request.GET.dict())",
        "Case.objects.order_by(request.GET['sort'])",
        "mark_safe(x)",
        "format_html(x)",
        "format_html('<b>' + x)",
        "engine.from_string(x)",
        "eval(x)",
        "exec(x)",
        "import pickle",
        "from subprocess import run",
        "os.system(x)",
        "yaml.load(x)",
        "class Form:\n    site = forms.URLField()",
    ],
)
def test_these_rules_see_a_source_that_breaks_them(source):
    assert found_in(source) != []


@pytest.mark.parametrize(
    "markup",
    ["{{ x|safe }}", "{{ x|truncatewords_html:3 }}", "{% autoescape off %}", "{%- autoescape false %}", "<script>x</script>", '<p onclick="x">', '<p style="x">', "{{ x | urlize }}"],
)  # fmt: skip
def test_these_rules_see_a_template_that_breaks_them(markup):
    assert IN_TEMPLATES.search(markup)
