"""The content book: complete, in words, escaped, the same bytes twice, and honest about what changed."""

import copy
import itertools
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from weasyprint.urls import FatalURLFetchingError

from clinic_site.publishing.documents import ContentError, Problem, canonical_form
from clinic_site.publishing.services import publish_version
from intake.models import QuestionnaireVersion
from screening.content_book import pdf
from screening.content_book.book import book_html
from screening.content_book.changes import changes
from screening.content_book.conditions import asking_condition, rule_condition
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier, NotFound, from_database, from_folder
from screening.content_book.examples import differences, example_table, usual_facts
from screening.content_book.expressions import Always, Comparison, Every, Not, NotReadable, Some, Words, tree_of
from screening.models import RuleSetVersion
from screening.rules import Expression

ROOT = Path(__file__).parents[2]
NOTHING = Earlier(None, "nothing was given")
UNKNOWN = None


@pytest.fixture(scope="module")
def shipped():
    return Content.from_folders()


@pytest.fixture(scope="module")
def book(shipped):
    return book_html(shipped, NOTHING)


class Page(HTMLParser):
    """The ids, link targets, headings, tags and visible words of a page."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.targets, self.levels, self.tags, self.words = [], [], [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if attributes.get("href", "").startswith("#"):
            self.targets.append(attributes["href"][1:])
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.words.append(data)


def flat(text):
    return " ".join(text.replace("\n- ", "\n").removeprefix("- ").split())


# Nothing is left out


def test_every_question_is_there_with_its_words_and_its_reason(shipped, book):
    page = Page(book)
    for section in shipped.questionnaire.sections:
        assert flat(section.title["en"]) in page.text
        assert flat(section.intro.get("en", "")) in page.text
    for item in {i for p in shipped.questionnaire.pages for i in (p.item, *p.questions)}:
        assert f"q-{item.link_id}" in page.ids
        for text in (item.text, item.help, item.why, item.error, item.statement, item.decline_label):
            assert flat(text.get("en", "")) in page.text, item.link_id
        for text in (item.body, item.full_text):
            lines = [flat(line) for line in text.get("en", "").splitlines()]
            assert [line for line in lines if line not in page.text] == [], item.link_id
        for option in item.options:
            assert flat(option.label["en"]) in page.text


def test_every_published_scale_is_there_with_its_licence_and_scores(shipped, book):
    page = Page(book)
    for instrument in shipped.questionnaire.instruments.values():
        for text in (instrument.name["en"], instrument.licence, instrument.attribution, instrument.source):
            assert flat(text) in page.text
        for score in instrument.scores:
            assert score.name in page.text
            assert all(label["en"] in page.text for _start, label in score.bands)


def test_every_rule_is_there_in_words_and_as_it_is_written(shipped, book):
    page = Page(book)
    for rule in shipped.rule_set.rules:
        assert f"rule-{rule.id}" in page.ids
        for text in (rule.id, rule.title["en"], rule.next_step["en"], rule.review_by):
            assert flat(text) in page.text, rule.id
        for expression in rule.expressions:
            assert flat(expression.source) in page.text, rule.id


def test_every_threshold_source_fact_and_medicine_is_there(shipped, book):
    page, rules = Page(book), shipped.rule_set
    assert {f"constant-{name}" for name in rules.constants} <= set(page.ids)
    assert {f"source-{key}" for key in rules.sources} <= set(page.ids)
    assert {f"class-{code}" for code in rules.lexicon.classes} <= set(page.ids)
    read = {name for rule in rules.rules for name in rule.reads(rules.constants)}
    assert {f"fact-{name}" for name in read} <= set(page.ids)
    written = [name for medicine in rules.lexicon.medicines.values() for name in medicine.names]
    assert [name for name in written if flat(name) not in page.text] == []


def test_it_names_both_versions_and_their_checksums_and_says_that_it_is_no_advice(shipped, book):
    page = Page(book)
    for text in (shipped.questionnaire_sha256, shipped.rule_set.sha256, "This is not clinical advice."):
        assert text in page.text
    for who in ("Medical director", "Pharmacist", "Counsel"):
        assert who in page.text


# The page itself


def test_every_link_in_it_leads_somewhere_and_every_id_is_used_once(book):
    page = Page(book)
    assert set(page.targets) - set(page.ids) == set()
    assert len(page.ids) == len(set(page.ids))


def test_headings_stand_in_order_and_no_script_is_in_it(book):
    page = Page(book)
    assert page.levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(page.levels) if pair[1] > pair[0] + 1] == []
    assert {"script", "link", "img", "iframe"} & set(page.tags) == set()


def test_the_same_content_gives_the_same_bytes(book):
    assert book_html(Content.from_folders(), NOTHING) == book


def test_content_can_not_write_markup_into_the_book(shipped):
    hostile = '<script>alert(1)</script></style><img src=x onerror="x">'
    changed = edited(shipped)
    changed.questionnaire_tree["questionnaire.yaml"]["version"] = hostile
    question(changed, "aneurysm_or_avm")["text"]["en"] = hostile
    question(changed, "aneurysm_or_avm")["summary"]["en"] = hostile
    rule(changed, "cardiovascular.aneurysm-avm")["title"]["en"] = hostile
    header(changed)["constants"]["ADULT_AGE_YEARS"]["meaning"]["en"] = hostile
    html = book_html(changed, Earlier(shipped, hostile))
    assert {"script", "img"} & set(Page(html).tags) == set()
    assert html.count("</style>") == 1
    assert hostile in Page(html).text


# Conditions in words


def test_it_says_when_a_question_is_asked_with_any_and_with_all(shipped):
    changed = edited(shipped)
    asked = question(changed, "suicidal_thoughts_right_now")
    assert asked["enable_behavior"] == "any"
    node = asking_condition(changed.questionnaire.questions["suicidal_thoughts_right_now"], changed.names)
    assert (node.lead, len(node.parts)) == ("any of these", len(asked["enable_when"]))
    assert {part.says for part in node.parts} == {"Yes"}
    again = edited(changed)
    question(again, "suicidal_thoughts_right_now")["enable_behavior"] = "all"
    node = asking_condition(again.questionnaire.questions["suicidal_thoughts_right_now"], again.names)
    assert node.lead == "all of these"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('aneurysm_or_avm == "yes"', "an aneurysm or AVM: Yes"),
        ('aneurysm_or_avm != "no"', "an aneurysm or AVM: anything but No"),
        ("systolic_mmhg >= BP_CRISIS_SYSTOLIC_MMHG", "blood pressure, top number: 180 mmHg or more"),
        ("BP_CRISIS_SYSTOLIC_MMHG > systolic_mmhg", "blood pressure, top number: less than 180 mmHg"),
        ("systolic_mmhg <= diastolic_mmhg", "blood pressure, top number: not above blood pressure, bottom number"),
        ('!(pregnant == "yes" || breastfeeding == "yes")', "none of these: (pregnant: Yes, breastfeeding: Yes)"),
        ("true", "always"),
        ("one + two", "one + two"),
    ],
)
def test_an_expression_is_said_in_words(shipped, source, words):
    summaries = {"whether you are pregnant": "pregnant", "whether you breastfeed or pump": "breastfeeding"}
    said = rule_condition(Expression(source), shipped.names).in_one_line
    for long, short in summaries.items():
        said = said.replace(long, short)
    assert said == words


def test_groups_keep_their_nesting_and_equal_groups_become_one():
    tree = tree_of('a == "yes" && (b == "no" || (c < LOW || d != "x")) || !(e == "yes")')
    inner = Some((tree_of('b == "no"'), tree_of("c < LOW"), tree_of('d != "x"')))
    assert tree == Some((Every((tree_of('a == "yes"'), inner)), Not(tree_of('e == "yes"'))))


@pytest.mark.parametrize(
    "source",
    ["", "a", '"yes"', "a ==", '== "yes"', '(a == "yes"', 'a == "yes")', 'a == "yes" b', "a + b", "!a", "f(a)",
     'a == "yes" == true', "(a == b) == c", "a[0] == b", 'a == "yes', "a && b", "a < 5", "a & b"],
)  # fmt: skip
def test_what_is_outside_the_subset_is_refused(source):
    with pytest.raises(NotReadable):
        tree_of(source)


def evaluated(tree, facts):
    """True, False or UNKNOWN, as CEL has it: an unbound fact is unknown unless the other side decides."""
    match tree:
        case Always(value):
            return value
        case Not(part):
            inner = evaluated(part, facts)
            return UNKNOWN if inner is UNKNOWN else not inner
        case Every(parts) | Some(parts):
            decides = isinstance(tree, Some)
            values = [evaluated(part, facts) for part in parts]
            return decides if decides in values else UNKNOWN if UNKNOWN in values else not decides
        case Comparison(left, operator, right):
            one, two = (
                operand.text if isinstance(operand, Words) else facts.get(operand.name) for operand in (left, right)
            )
            if one is UNKNOWN or two is UNKNOWN:
                return UNKNOWN
            if operator in ("==", "!="):
                return (one == two) is (operator == "==")
            return {"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[operator]


def by_cel(expression, facts):
    try:
        return expression.program.execute(facts)
    except (RuntimeError, ValueError):
        return UNKNOWN


def test_the_words_of_every_shipped_expression_mean_what_the_engine_computes(shipped):
    rules = shipped.rule_set
    tried = 0
    for expression in {e for one in rules.rules for e in one.expressions}:
        names = [name for name in expression.variables if name not in rules.constants]
        values = [
            [UNKNOWN, *sorted({*expression.literals(name), "yes", "no", "not_applicable"})]
            if expression.literals(name)
            else [UNKNOWN, *sorted({v + d for v in rules.values.values() for d in (-0.5, 0.0, 0.5)})[::9]]
            for name in names
        ]
        for combination in itertools.islice(itertools.product(*values), 0, 4000, 7):
            facts = {n: v for n, v in zip(names, combination, strict=True) if v is not UNKNOWN} | rules.values
            assert evaluated(tree_of(expression.source), facts) == by_cel(expression, facts), (expression.source, facts)
            tried += 1
    assert tried > 1000


# Examples


def test_a_shortened_example_table_says_the_same_as_the_examples(shipped):
    for one in shipped.rule_set.rules:
        usual = usual_facts(one.examples)
        for example in one.examples:
            changed = differences(example.facts, usual)
            again = {name: value for name, value in {**usual, **changed}.items() if value != "open"}
            assert again == dict(example.facts), one.id


def test_a_row_joins_only_examples_with_the_same_result(shipped):
    for one in shipped.rule_set.rules:
        rows = example_table(one, shipped.names).rows
        joined = sum(max([len(fact.values) for fact in row.facts], default=1) for row in rows)
        assert joined == len(one.examples), one.id


# What changed


def edited(content):
    return Content(copy.deepcopy(dict(content.questionnaire_tree)), copy.deepcopy(dict(content.rules_tree)))


def header(content):
    return content.rules_tree["rule_set.yaml"]


def question(content, link_id):
    found = (i for f in content.questionnaire_tree.values() for i in f.get("items", []) if i["link_id"] == link_id)
    return next(found)


def rule(content, rule_id):
    return next(r for f in content.rules_tree.values() if isinstance(f, list) for r in f if r["id"] == rule_id)


def groups(before, now):
    return {group.title: group for group in changes(before, now)}


def only_change(group):
    (changed,) = group.changed
    return changed.card.name, {d.label: (d.before, d.now) for d in changed.differences}


def test_a_reworded_question_stands_old_beside_new_and_nothing_else_does(shipped):
    now = edited(shipped)
    old = question(now, "aneurysm_or_avm")["text"]["en"]
    question(now, "aneurysm_or_avm")["text"]["en"] = "Do you have an aneurysm?"
    found = groups(shipped, now)
    assert set(found) == {"Questions and texts"}
    assert only_change(found["Questions and texts"]) == (
        "aneurysm_or_avm",
        {"Question": ((old,), ("Do you have an aneurysm?",))},
    )
    html = book_html(now, Earlier(shipped, "an earlier version"))
    assert f"<p>{old}</p>" in html or old in Page(html).text


def test_a_new_short_name_of_a_question_is_no_change_of_the_rules_that_read_it(shipped):
    now = edited(shipped)
    question(now, "aneurysm_or_avm")["summary"]["en"] = "a weak vessel"
    found = groups(shipped, now)
    assert set(found) == {"Questions and texts"}
    assert set(only_change(found["Questions and texts"])[1]) == {"Short name"}


def test_a_moved_threshold_is_said_with_both_values_and_its_unit(shipped):
    now = edited(shipped)
    header(now)["constants"]["BP_CRISIS_SYSTOLIC_MMHG"]["value"] = 190
    found = groups(shipped, now)
    assert set(found) == {"Thresholds"}
    assert only_change(found["Thresholds"]) == ("BP_CRISIS_SYSTOLIC_MMHG", {"Value": (("180 mmHg",), ("190 mmHg",))})


def test_a_removed_rule_and_an_added_question_are_named(shipped):
    now = edited(shipped)
    now.rules_tree["reproductive.yaml"] = [
        r for r in now.rules_tree["reproductive.yaml"] if r["id"] != "reproductive.pregnant"
    ]
    new = {**question(now, "aneurysm_or_avm"), "link_id": "a_new_question", "text": {"en": "Is this new?"}}
    items = next(
        f["items"]
        for f in now.questionnaire_tree.values()
        if any(i["link_id"] == "aneurysm_or_avm" for i in f.get("items", []))
    )
    items.append(new)
    found = groups(shipped, now)
    assert [card.name for card in found["Rules"].removed] == ["reproductive.pregnant"]
    assert [card.name for card in found["Questions and texts"].added] == ["a_new_question"]
    text = Page(book_html(now, Earlier(shipped, "an earlier version"))).text
    assert "Is this new?" in text
    assert rule(shipped, "reproductive.pregnant")["title"]["en"] in text


def test_branching_bands_policy_and_conditions_are_compared(shipped):
    now = edited(shipped)
    question(now, "suicidal_thoughts_right_now")["enable_behavior"] = "all"
    one = rule(now, "cardiovascular.aneurysm-avm")
    one["given"], one["unknown"] = 'aneurysm_or_avm != "no"', "ask"
    one["bands"][0]["tier"] = "relative"
    found = groups(shipped, now)
    assert "AND" in only_change(found["Questions and texts"])[1]["Asked when"][1][0]
    differences_of_rule = only_change(found["Rules"])[1]
    assert set(differences_of_rule) == {"When", "Then", "If open", "As written"}
    assert differences_of_rule["When"][1] == ("an aneurysm or AVM: anything but No",)


def test_medicines_added_removed_and_reclassed_are_said(shipped):
    now = edited(shipped)
    listed = now.rules_tree["medicines.yaml"]["medicines"]
    gone = listed.pop()
    listed.append({"name": "novelin", "classes": ["maoi"]})
    listed[0]["classes"] = ["antidepressant"]
    medicines = groups(shipped, now)["Medicines"]
    assert [card.name for card in medicines.added] == ["novelin"]
    assert [card.name for card in medicines.removed] == [gone["name"]]
    assert set(only_change(medicines)[1]) == {"Classes"}


def test_the_same_content_is_said_to_be_the_same(shipped):
    assert "the content is the same, word for word" in Page(book_html(shipped, Earlier(shipped, "version 1"))).text
    assert changes(shipped, Content.from_folders()) == []


def test_a_folder_of_an_earlier_checkout_is_compared(shipped, tmp_path):
    copied(shipped, tmp_path)
    assert canonical_form(from_folder(tmp_path).content.rules_tree) == canonical_form(shipped.rules_tree)
    with pytest.raises(NotFound, match="holds no content"):
        from_folder(tmp_path / "rules")


def test_an_earlier_version_that_can_not_be_read_is_said_to_be_so(shipped, tmp_path):
    copied(shipped, tmp_path)
    (tmp_path / "rules" / "rule_set.yaml").write_text("rule_set: old\n")
    earlier = from_folder(tmp_path)
    assert earlier.content is None
    assert "can not be read by this program" in Page(book_html(shipped, earlier)).text


def copied(content, folder):
    for name, tree in (("questionnaire", content.questionnaire_tree), ("rules", content.rules_tree)):
        (folder / name).mkdir()
        for file, values in tree.items():
            (folder / name / file).write_text(canonical_form(values))


def publish(content):
    for model, document, tree in (
        (QuestionnaireVersion, content.questionnaire, content.questionnaire_tree),
        (RuleSetVersion, content.rule_set, content.rules_tree),
    ):
        publish_version(model, document_id=document.document_id, label=document.version, source={}, tree=tree)


@pytest.mark.django_db
def test_what_is_published_is_compared_and_once_this_is_published_what_was_before(shipped):
    assert from_database(shipped).content is None
    older = edited(shipped)
    older.questionnaire_tree["questionnaire.yaml"]["version"] = "1"
    header(older)["version"] = "1"
    header(older)["constants"]["BP_CRISIS_SYSTOLIC_MMHG"]["value"] = 170
    publish(older)
    for _once in ("not yet published", "published"):
        earlier = from_database(shipped)
        assert "version 1" in earlier.words
        assert "Thresholds" in groups(earlier.content, shipped)
        publish(shipped)
    assert "version 1" in from_database(shipped, "1").words
    with pytest.raises(NotFound, match="no document was published as version 7"):
        from_database(shipped, "7")


# The command


def without_settings(tmp_path, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "manage.py", "content_book", "--output", str(tmp_path / "out"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_it_needs_no_database_and_writes_both_files(tmp_path):
    done = without_settings(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page, paper = (Path(line) for line in done.stdout.splitlines())
    assert "Nothing was compared" in page.read_text()
    assert paper.read_bytes()[:5] == b"%PDF-"
    assert len(re.findall(rb"/Type /Page\b", unpacked(paper))) > 50


def unpacked(paper):
    """A PDF with its compressed objects laid open."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", paper.read_bytes(), re.DOTALL)
    return b"".join(opened(stream) for stream in streams)


def opened(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_a_version_can_not_be_looked_up_without_a_database(tmp_path):
    done = without_settings(tmp_path, "--since", "2026.11")
    assert done.returncode == 1
    assert "2026.11 is not a folder" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_pdf_is_the_same_bytes_twice(tmp_path):
    for name in ("one.pdf", "two.pdf"):
        pdf.write_pdf("<h1>One page</h1>", tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_the_pdf_fetches_nothing(tmp_path):
    with pytest.raises(FatalURLFetchingError):
        pdf.write_pdf('<h1>One</h1><img src="file:///etc/hostname">', tmp_path / "one.pdf")


@pytest.mark.django_db
def test_without_pango_it_says_what_to_install_and_still_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "weasyprint", NotThere())
    call_command("content_book", output=str(tmp_path))
    assert (tmp_path / "content-book.html").stat().st_size > 100_000
    assert not (tmp_path / "content-book.pdf").exists()
    said = capsys.readouterr().err
    assert "apt-get install" in said or "libpango-1.0-0" in said
    assert len(said.splitlines()) == 1


class NotThere:
    def __getattr__(self, name):
        raise OSError("cannot load library 'libpango-1.0-0'")


@pytest.mark.django_db
def test_content_with_a_mistake_makes_no_book(tmp_path, monkeypatch):
    monkeypatch.setattr("screening.management.commands.content_book.checked_content", refused)
    with pytest.raises(CommandError, match="No book was written"):
        call_command("content_book", output=str(tmp_path / "out"))


def refused():
    raise ContentError([Problem("tiny.yaml", "tiny", "is wrong")])
