"""The documentation builds as a site without a warning: every page, link and anchor is there, and every public name is in the reference."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import actorflow
import actorflow.testing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
DIRECTIVE = re.compile(
    r"^::: actorflow\.(?P<name>[\w.]+)(?:\n {4}options: \{heading: (?P<heading>[^,]+),)?", re.MULTILINE
)
BESIDES = {"facts", "Options of a combinator"}
"""What the reference shows besides public names."""


class Page(HTMLParser):
    """What can be linked to in a page, and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        self.links += [given[name] for name in ("href", "src") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert built.returncode == 0, built.stdout
    return folder


def test_every_link_of_the_site_leads_to_a_page_and_an_anchor(site: Path) -> None:
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    broken = [
        f"{path.relative_to(site)} → {link}"
        for path, page in pages.items()
        for link in page.links
        if not leads_somewhere(link, path, pages)
    ]
    assert broken == []


def leads_somewhere(link: str, page: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return target not in pages or anchor in pages[target].anchors | {"", "__top"}


def test_every_page_of_the_docs_is_a_page_of_the_site(site: Path) -> None:
    pages = [page.relative_to(DOCS) for page in DOCS.rglob("*.md")]
    shown = [(site / page.parent / ("" if page.stem in {"index", "README"} else page.stem)) for page in pages]
    missing = [str(page) for page, folder in zip(pages, shown, strict=True) if not (folder / "index.html").is_file()]
    assert missing == []


def shown_in(page: Path) -> list[str]:
    """What a page of the reference shows, by its headings."""
    found = DIRECTIVE.finditer(page.read_text("utf-8"))
    return [match["heading"] or match["name"].rpartition(".")[2] for match in found]


def test_every_public_name_is_in_the_reference_once() -> None:
    pages = [page for page in (DOCS / "reference").glob("*.md") if page.name != "testing.md"]
    names = [name for page in pages for name in shown_in(page) if name not in BESIDES]
    assert sorted(names) == sorted(actorflow.__all__)


def test_the_testing_kit_is_in_the_reference_once() -> None:
    assert sorted(shown_in(DOCS / "reference" / "testing.md")) == sorted([*actorflow.testing.__all__, "plugin"])
