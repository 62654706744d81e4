"""What the README and the docs show is so: each block of Python runs, prints what stands below it, and draws what is shown.

An HTML comment right above a block says how it's run; a page shows nothing of it:

    continues               in the names of the block before it
    after the saga          in the names of the README's first block
    set-up                  after the code that follows in the comment; `stack` there is an `AsyncExitStack`, closed at the end
    pytest                  as a module of tests
    not run: …              it isn't, because …
    prints                  (above a block of text) what the block of Python before it prints

A block with a title is a file, and a block of `console` holds commands after a `$` with what they print: a page's files are written into
an empty folder, `…`, and its commands are run there, in the page's order. Times and ids that are printed needn't be the same.

Code may `await` at its top level. Lines keep their numbers, so that a failure points into the page.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import pytest

from actorflow import Workflow

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[\w./-]+)")?\n(?P<code>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"<!--(?P<text>(?:(?!-->).)*)-->\s*\Z", re.DOTALL)


class Block(NamedTuple):
    """A fenced block: `line` is that of its first line of code, `notes` are the comments right above it, each with its line.

    `title` is the file that it shows, or `""`.
    """

    page: Path
    line: int
    language: str
    title: str
    code: str
    notes: tuple[tuple[int, str], ...]

    def note(self, word: str) -> tuple[int, str] | None:
        """The comment that begins with this word: where what follows it begins, and that."""
        for line, text in self.notes:
            if text.lstrip().startswith(word):
                before, _, rest = text.partition(word)
                return line + before.count("\n"), rest
        return None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            line_at(text, match.start("code")),
            match["language"],
            match["title"] or "",
            match["code"],
            notes_above(text, match.start()),
        )
        for match in FENCE.finditer(text)
    ]


def line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def notes_above(text: str, position: int) -> tuple[tuple[int, str], ...]:
    notes: list[tuple[int, str]] = []
    while match := COMMENT.search(text[:position]):
        notes.insert(0, (line_at(text, match.start("text")), match["text"]))
        position = match.start()
    return tuple(notes)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SAGA = next(block for block in BLOCKS if block.page == README and block.language == "python")


# ── running ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def compiled(page: Path, line: int, code: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code_of: CodeType = compile("\n" * (line - 1) + code, str(page), "exec", flags=flags, dont_inherit=True)
    return code_of


def parts_of(block: Block) -> Iterator[CodeType]:
    """What runs for one block: the saga, its set-up, itself."""
    if block.note("after the saga"):
        yield compiled(SAGA.page, SAGA.line, SAGA.code)
    if set_up := block.note("set-up"):
        yield compiled(block.page, *set_up)
    yield compiled(block.page, block.line, block.code)


def chain_of(block: Block) -> list[Block]:
    """The block, after those that it continues."""
    before = [other for other in BLOCKS if other.page == block.page and is_run(other) and other.line < block.line]
    return [*chain_of(before[-1]), block] if block.note("continues") else [block]


MARK = compiled(README, 1, "print('── itself')")
"""Stands between what a block continues, and the block."""


def run(block: Block, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Runs a block, and gives the module that it has filled."""
    module = ModuleType("__main__" if block == SAGA else "example_of_the_docs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    *before, itself = [list(parts_of(each)) for each in chain_of(block)]
    codes = [*(code for each in before for code in each), MARK, *itself]
    if any(code.co_flags & inspect.CO_COROUTINE for code in codes):
        asyncio.run(run_on_a_loop(codes, module))
    else:
        for code in codes:
            exec(code, module.__dict__)
    return module


async def run_on_a_loop(codes: list[CodeType], module: ModuleType) -> None:
    async with AsyncExitStack() as stack:
        module.__dict__["stack"] = stack
        for code in codes:
            waits = eval(code, module.__dict__)
            if waits is not None:
                await waits


def is_run(block: Block) -> bool:
    apart = block.title or block.note("not run:") or block.note("pytest")
    return block.language == "python" and not apart


@pytest.mark.parametrize("block", [block for block in BLOCKS if is_run(block)], ids=str)
def test_a_block_of_python_runs_and_prints_what_stands_below_it(
    block: Block, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # some make a store
    run(block, monkeypatch)
    after = [other for other in BLOCKS if other.page == block.page and other.line > block.line]
    if after and after[0].note("prints"):
        assert capsys.readouterr().out.partition("── itself\n")[2] == after[0].code


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.note("pytest")], ids=str)
def test_a_module_of_tests_passes(block: Block, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    _, imports = block.note("set-up") or (0, "")
    pytester.makepyfile(f"{imports}\n{block.code}")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ours = ["-p", "actorflow.testing.plugin"] if "actorflow" not in installed_plugins() else []
    pytester.runpytest_subprocess(*ours).assert_outcomes(passed=block.code.count("def test_"))


def installed_plugins() -> str:
    from importlib.metadata import entry_points

    return " ".join(entry.name for entry in entry_points(group="pytest11"))


# ── files and commands ────────────────────────────────────────────────────────────────────────────────────────────────

TIME = re.compile(
    r"\b\d+(\.\d+)? ms\b|\b\d+\.\d\d+ ?s\b|\b[0-9a-f]{12}-[0-9a-f]{10}-[0-9a-f]{8}\b|\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"
)
"""What differs each time: times, and the ids of runs that weren't named."""
WITH_FILES = sorted({block.page for block in BLOCKS if block.title or block.language == "console"})


@pytest.mark.parametrize("page", WITH_FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_print_what_it_shows(page: Path, tmp_path: Path) -> None:
    for block in BLOCKS:
        if block.page != page or block.note("not run:"):
            continue
        if block.title:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.code, encoding="utf-8")
        elif block.language == "console":
            shown = TIME.sub("…", block.code)
            assert TIME.sub("…", "".join(typed_in(command, tmp_path) for command in commands_of(block))) == shown


def commands_of(block: Block) -> list[str]:
    return [line.removeprefix("$ ") for line in block.code.splitlines() if line.startswith("$ ")]


def typed_in(command: str, folder: Path) -> str:
    """What a terminal shows of a command, the command included. The folder is `…`."""
    program, *arguments = shlex.split(command)
    module = {"python": [], "pytest": ["-m", "pytest"], "actorflow": ["-m", "actorflow.cli"]}[program]
    done = subprocess.run(
        [sys.executable, *module, *arguments],
        check=False,
        cwd=folder,
        env=terminal(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=50,
    )
    return f"$ {command}\n{done.stdout}".replace(str(folder), "…")


def terminal() -> dict[str, str]:
    """The environment of a reader: ActorFlow is installed, warnings are errors, lines have 80 columns."""
    ours = {
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error,ignore::ResourceWarning",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
    plugin = "" if "actorflow" in installed_plugins() else "-p actorflow.testing.plugin"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {**kept, **ours, "PYTEST_ADDOPTS": f"-p no:cacheprovider {plugin}"}


def test_every_file_that_a_page_shows_is_used_by_a_command() -> None:
    """A program that is shown and never run could be wrong."""
    unused = [
        str(block)
        for block in BLOCKS
        if block.title
        and not any(
            other.page == block.page and other.line > block.line and other.language == "console" for other in BLOCKS
        )
    ]
    assert unused == []


def test_what_is_not_run_says_why() -> None:
    reasons = [(str(block), block.note("not run:")) for block in BLOCKS]
    assert [where for where, note in reasons if note is not None and not note[1].strip()] == []


# ── the README ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_in_the_readme_is_what_mermaid_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    book_trip = run(SAGA, monkeypatch).__dict__["book_trip"]
    assert isinstance(book_trip, Workflow)
    (drawn,) = [block for block in BLOCKS if block.page == README and block.language == "mermaid"]
    assert book_trip.compile().mermaid().rstrip("\n") == drawn.code.rstrip("\n")
    assert book_trip.compile().notes == ()


# ── links ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = (match["target"] for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))))
    ours = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in ours if target and not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    known = {README}
    fresh = [README]
    while fresh:
        page = fresh.pop()
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for match in LINK.finditer(text):
            target = (page.parent / match["target"].partition("#")[0]).resolve()
            if target.suffix == ".md" and target in PAGES and target not in known:
                known.add(target)
                fresh.append(target)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in known] == []
