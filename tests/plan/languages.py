"""Strict readers of what plans are drawn in. They take less than Mermaid and Graphviz do: what is drawn, and nothing that one might doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec


class Graph(msgspec.Struct):
    """What was read: labels by the ids of boxes and of clusters, the cluster that each is in, arrows with whether they're solid, and
    classes (in DOT: attributes).
    """

    direction: str = ""
    boxes: dict[str, str] = {}
    clusters: dict[str, str] = {}
    within: dict[str, str] = {}
    arrows: list[tuple[str, str, bool]] = []
    classes: dict[str, str] = {}


# ── Mermaid ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LABEL = r"(?P<label>(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ ,:/()·↩✚⚠↻…]|(?<!\")[-+]|#\d+;|<br/>)*)"
BOX = re.compile(
    rf'(?P<id>\w+)(?:\["{LABEL}"\]|\[\["{LABEL.replace("?P<label>", "?P<label2>")}"\]\])(?::::(?P<style>[a-z_]+))?'
)
SUBGRAPH = re.compile(rf'subgraph (?P<id>\w+)\["{LABEL}"\]')
ARROW = re.compile(r"(?P<tail>\w+) (?P<kind>-->|-\.->) (?P<head>\w+)")
CLASS = re.compile(r"class (?P<ids>\w+(?:,\w+)*) (?P<style>[a-z_]+)")
CLASSDEF = re.compile(r"classDef (?P<style>[a-z_]+) (?:fill|stroke)[-\w:#, ]+")
WORDS = {"end", "graph", "subgraph", "flowchart", "class", "style", "click", "default", "linkStyle", "classDef"}


def read_mermaid(source: str) -> Graph:
    """Raises `AssertionError` where a line is none that it knows, or where something is said twice or of what isn't there."""
    assert source.endswith("\n")
    head, *lines = source[:-1].split("\n")
    graph, opened, defined = Graph(), list[str](), set[str]()
    assert head in {"flowchart TD", "flowchart LR"}
    graph.direction = head[-2:]
    for line in lines:
        indent = len(line) - len(line.lstrip())
        assert indent == 4 + 4 * len(opened) - 4 * (line.strip() == "end")
        _read_line(line.strip(), graph, opened, defined)
    assert not opened
    known = graph.boxes.keys() | graph.clusters.keys()
    assert {end for tail, head, _ in graph.arrows for end in (tail, head)} <= known
    assert set(graph.classes) <= known
    assert set(graph.classes.values()) == defined
    return graph


def _read_line(line: str, graph: Graph, opened: list[str], defined: set[str]) -> None:
    if line == "end":
        opened.pop()
    elif found := SUBGRAPH.fullmatch(line):
        _add(graph, graph.clusters, found["id"], found["label"], opened)
        opened.append(found["id"])
    elif found := ARROW.fullmatch(line):
        graph.arrows.append((found["tail"], found["head"], found["kind"] == "-->"))
    elif found := CLASSDEF.fullmatch(line):
        assert found["style"] not in defined
        defined.add(found["style"])
    elif found := CLASS.fullmatch(line):
        graph.classes |= dict.fromkeys(found["ids"].split(","), found["style"])
    else:
        found = BOX.fullmatch(line)
        assert found, line
        _add(graph, graph.boxes, found["id"], found["label"] or found["label2"] or "", opened)
        if found["style"]:
            graph.classes[found["id"]] = found["style"]


def _add(graph: Graph, kinds: dict[str, str], id: str, label: str, opened: list[str]) -> None:
    assert id not in WORDS
    assert id not in graph.boxes
    assert id not in graph.clusters
    kinds[id] = unescaped(label)
    if opened:
        graph.within[id] = opened[-1]


def unescaped(label: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label.replace("<br/>", "\n"))


# ── DOT ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\["\\n])*")|(?P<word>[A-Za-z_]\w*|\d+(?:\.\d+)?)|(?P<sign>->|[{}\[\]=,]))'
)


def read_dot(source: str) -> Graph:
    """Raises `AssertionError` as above."""
    tokens = list(_tokens(source))
    assert tokens[0] == "digraph"
    assert tokens[2] == "{"
    reader = _Dot(tokens[3:])
    reader.read([])
    assert not reader.tokens
    graph = reader.graph
    assert {end for tail, head, _ in graph.arrows for end in (tail, head)} <= graph.boxes.keys() | graph.clusters.keys()
    return graph


def _tokens(source: str) -> Iterator[str]:
    at = 0
    while source[at:].strip():
        found = TOKEN.match(source, at)
        assert found, source[at : at + 40]
        yield found[0].strip()
        at = found.end()


class _Dot:
    """Reads statements; an arrow to a cluster is told by `lhead` and `ltail`."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]
        self.graph = Graph()

    def read(self, opened: list[str]) -> None:
        while (word := self.tokens.pop()) != "}":
            if word == "subgraph":
                self._cluster(opened)
            elif word in {"graph", "node", "edge"}:
                self._attributes()
            elif self._next_is("="):
                self._said(word, self.tokens.pop(), opened)
            elif self._next_is("->"):
                self._arrow(word, self.tokens.pop())
            else:
                self._box(word, opened)

    def _next_is(self, sign: str) -> bool:
        if self.tokens[-1] == sign:
            self.tokens.pop()
            return True
        return False

    def _cluster(self, opened: list[str]) -> None:
        name = self.tokens.pop()
        assert name.startswith("cluster_")
        assert self._next_is("{")
        _add(self.graph, self.graph.clusters, name.removeprefix("cluster_"), "", opened)
        self.read([*opened, name.removeprefix("cluster_")])

    def _attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._next_is("["):
            while not self._next_is("]"):
                name = self.tokens.pop()
                assert self._next_is("=")
                assert name not in found
                found[name] = self.tokens.pop()
                self._next_is(",")
        return found

    def _said(self, name: str, value: str, opened: list[str]) -> None:
        if opened and name == "label":
            self.graph.clusters[opened[-1]] = unquoted(value)
        elif opened and name == "bgcolor":
            self.graph.classes[opened[-1]] = value
        elif name == "rankdir":
            self.graph.direction = value

    def _arrow(self, tail: str, head: str) -> None:
        said = self._attributes()
        ends = said.get("ltail", tail).removeprefix("cluster_"), said.get("lhead", head).removeprefix("cluster_")
        self.graph.arrows.append((*ends, said.get("style") != "dashed"))

    def _box(self, name: str, opened: list[str]) -> None:
        said = self._attributes()
        if said.get("style") == "invis":
            assert opened[-1] == name
            return
        _add(self.graph, self.graph.boxes, name, "", opened)
        self.graph.boxes[name] = unquoted(said["label"])
        if "fillcolor" in said:
            self.graph.classes[name] = said["fillcolor"]


def unquoted(text: str) -> str:
    assert text[0] == text[-1] == '"'
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text[1:-1]).replace("&amp;", "&")
