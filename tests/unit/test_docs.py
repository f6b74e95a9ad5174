"""What the documents say of the code is so: tests, commands, variables, events and packages that they name exist."""

import ast
import re
import shlex
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cchc.cli import cli
from shared.events import CATALOGUE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
READMES = [ROOT / "README.md", ROOT / "README.vi.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
RECORDS = sorted((DOCS / "adr").glob("[0-9]*.md"))
CODE = sorted(
    file
    for folder in ("bench", "cchc", "demo", "deploy", "services", "shared", "tests", "verifier", "web")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in {".py", ".toml", ".html", ".conf", ".yml", ".sh"} and "node_modules" not in file.parts
)

WIDTH = 120
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives"]
# `docs/adr/0019`, `rating.md`, `rating.md, "Dates"`
NAMED_DOCUMENT = re.compile(r'docs/adr/\d{4}|(?<![\w*}/<…-])[\w./-]*\w\.md\b(?:, "[^"]+")?(?!\])')
NAMED_FILE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:py|toml|yml|html|css|conf|xlsx))(?:::\w+)*`")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
CALL = re.compile(r"(?:^|\$\(|\| *)(?:\.venv/bin/)?cchc ([^|)<>\n]*)", re.MULTILINE)
# A command stands in a fenced block, or indented.
BLOCKS = re.compile(r"^```\n(.*?)^```$|((?:^ {4}\S.*\n(?: {4,}.*\n)*)+)", re.MULTILINE | re.DOTALL)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def guarantees() -> dict[str, str]:
    """Row number → what shows it."""
    rows = [line.strip("|\n ").split(" | ") for line in (DOCS / "guarantees.md").read_text().splitlines()]
    return {row[0]: row[-1] for row in rows if re.fullmatch(r"G\d+", row[0])}


def functions_in(file: Path) -> set[str]:
    """The functions of a file as pytest names them, `::function` or `::Class::function`."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"::{node.name}" if isinstance(node, ast.ClassDef) else ""
        found |= {f"{prefix}::{each.name}" for each in inner if isinstance(each, ast.FunctionDef)}
    return found


def calls(page: Path) -> Iterator[tuple[str, ...]]:
    """The arguments of each `cchc` that a page tells its reader to type."""
    for block in BLOCKS.finditer(page.read_text()):
        text = (block[1] or block[2]).replace("\\\n", " ")
        for call in CALL.finditer(text.replace("\n    ", "\n").removeprefix("    ")):
            yield tuple(shlex.split(call[1]))


def test_every_guarantee_has_its_row() -> None:
    """G18 to G23 get theirs as they are kept."""
    rows = [int(row.removeprefix("G")) for row in guarantees()]
    assert rows == sorted(set(rows))
    assert {*range(1, 18)} <= {*rows} <= {*range(1, 24)}


@pytest.mark.parametrize("row", guarantees())
def test_a_guarantee_names_its_test_or_says_not_yet(row: str) -> None:
    shown_by = guarantees()[row]
    named = NAMED_TEST.findall(shown_by)
    assert named or "chưa / not yet: " in shown_by
    missing = [
        file + test for file, test in named if not (ROOT / file).exists() or test not in functions_in(ROOT / file)
    ]
    assert missing == []
    assert len(named) == shown_by.count("tests/"), "a test is named in another form than `path::test`"


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_decision_record_has_its_four_parts_on_a_page(record: Path) -> None:
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert text.startswith(f"# {record.name[:4]}. ")
    assert len(text.splitlines()) <= 60


def test_decision_records_are_numbered_once() -> None:
    numbers = [record.name[:4] for record in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_the_index_of_decisions_has_each_with_title_status_and_date() -> None:
    index = (DOCS / "adr" / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \| (.+) \| (.+) \| \d{4}-\d\d-\d\d \|$", index, re.MULTILINE)
    titles = [record.read_text().splitlines()[0].removeprefix(f"# {record.name[:4]}. ") for record in RECORDS]
    assert [row[:3] for row in rows] == [
        (record.name[:4], record.name, title) for record, title in zip(RECORDS, titles, strict=True)
    ]
    assert {
        row[3]
        for row in rows
        if not re.fullmatch(r"accepted|superseded (?:in part )?by \[\d{4}\]\([\w-]+\.md\)", row[3])
    } == set()


def is_there(named: str, near: Path) -> bool:
    """A document named in a file, and its section where one is named with it."""
    name, _, section = named.partition(", ")
    places = [near.parent / name, ROOT / name, *DOCS.rglob(name), *DOCS.glob(name.removeprefix("docs/") + "-*.md")]
    documents = [place for place in places if place.is_file()]
    if not documents:
        return False
    headings = re.findall(r"^#+ (.+)$", documents[0].read_text(), re.MULTILINE)
    return not section or any(heading.startswith(section.strip('"')) for heading in headings)


@pytest.mark.parametrize("folder", sorted({file.relative_to(ROOT).parts[0] for file in CODE}))
def test_every_document_that_the_code_names_exists(folder: str) -> None:
    missing = {
        f"{name(file)}: {named}"
        for file in CODE
        if file.is_relative_to(ROOT / folder)
        for named in NAMED_DOCUMENT.findall(file.read_text("utf-8"))
        if not is_there(named, file)
    }
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_document_and_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    missing = {named for named in NAMED_DOCUMENT.findall(text) if not is_there(named, page)}
    missing |= {named for named in NAMED_FILE.findall(text) if not (ROOT / named).exists()}
    assert missing == set()


def prose(page: Path) -> Iterator[str]:
    """The lines of a page that are neither code nor part of a table."""
    fenced = False
    for line in page.read_text().splitlines():
        fenced ^= line.lstrip().startswith("```")
        if not fenced and not line.lstrip().startswith(("|", "```")) and not line.startswith("    "):
            yield line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_have_one_width(page: Path) -> None:
    # A line that cannot be broken, such as an address, may be longer.
    assert [line for line in prose(page) if len(line) > WIDTH and " " in line.strip()] == []


@pytest.mark.parametrize("readme", READMES, ids=name)
def test_the_readme_shows_both_commands(readme: Path) -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    assert "make run\n" in blocks and "make test\n" in blocks
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test"} <= targets


@pytest.mark.parametrize("arguments", sorted({call for page in PAGES for call in calls(page)}), ids=" ".join)
def test_a_command_that_a_page_shows_can_be_typed(arguments: tuple[str, ...]) -> None:
    # With --help nothing is run, but unknown commands and options are refused all the same.
    result = CliRunner().invoke(cli, [*arguments, "--help"])
    assert result.exit_code == 0, result.output


def test_the_readmes_take_the_same_tour() -> None:
    english, vietnamese = ([*calls(readme)] for readme in READMES)
    assert english == vietnamese and len(english) >= 5


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_are_composed_unicode(page: Path) -> None:
    text = page.read_text()
    assert unicodedata.is_normalized("NFC", text)


def test_the_glossary_has_every_event() -> None:
    listed = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(event.name for event in CATALOGUE)


def test_every_direct_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    listed = re.findall(r"^\| ([\w-]+(?:\[\w+\])?) \| ", (DOCS / "dependencies.md").read_text(), re.MULTILINE)
    assert {re.split("[<>=]", one)[0] for one in wanted} <= set(listed)


def test_every_variable_of_the_environment_is_documented() -> None:
    page = (DOCS / "how-to" / "run-on-kafka.md").read_text()
    read = set(re.findall(r"CCHC_[A-Z]+(?:_[A-Z]+)*(?:_(?=<|\{))?", (ROOT / "cchc" / "settings.py").read_text()))
    # A name that goes on with the service's, such as CCHC_URL_<S>, stands there with every service.
    assert {one for one in read if f"`{one}" + ("" if one.endswith("_") else "`") not in page} == set()


# The requirements of levels 1 and 2 of the OWASP ASVS 5.0.0: section, and the last number of those that are asked for.
# In each section those of level 3 come last.
ASVS = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3
5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3
9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4
13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4
17.3:2
"""


def security_rows() -> list[list[str]]:
    lines = (DOCS / "security.md").read_text().splitlines()
    return [line.strip("|\n ").split(" | ") for line in lines if line.startswith("| V")]


def test_every_requirement_of_the_security_standard_has_its_row_once() -> None:
    sections = (section.split(":") for section in ASVS.split())
    wanted = [f"V{name}.{number}" for name, last in sections for number in range(1, int(last) + 1)]
    assert [row[0] for row in security_rows()] == wanted
    assert len(wanted) == 253  # 70 of level 1, 183 of level 2


def test_a_requirement_that_is_met_names_its_tests_and_the_others_say_why_not() -> None:
    missing = []
    for requirement, _, status, why, shown_by in security_rows():
        named = NAMED_TEST.findall(shown_by)
        assert status in {"met", "not met", "not applicable"}, requirement
        assert why.strip() and bool(named) == (status == "met"), requirement
        assert len(named) == shown_by.count("tests/"), requirement
        missing += [
            f"{requirement}: {file}{test}"
            for file, test in named
            if not (ROOT / file).exists() or test not in functions_in(ROOT / file)
        ]
    assert missing == []


def test_the_page_on_security_counts_its_rows() -> None:
    page = (DOCS / "security.md").read_text()
    said = re.search(r"Of (\d+) requirements (\d+) are met, (\d+) are not met, (\d+) do not apply", page)
    statuses = [row[2] for row in security_rows()]
    counts = [len(statuses), *(statuses.count(status) for status in ("met", "not met", "not applicable"))]
    assert said and [int(number) for number in said.groups()] == counts
