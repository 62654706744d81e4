"""From the names that nodes have in a run to those that they have in a drawing.

In a run a body's nodes have a name per item or pass (`each[17].charge`, `repeat[2].charge`), and steps may have added others (`fetch.store`,
`fetch[2]`). In a drawing there's one box for all of them: `each[].charge`, `fetch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Finder:
    """Finds the boxes of names; `boxes` has the ids of the boxes by their paths."""

    def __init__(self, boxes: Mapping[str, str]) -> None:
        self._boxes = boxes
        self._ways = {way for path in boxes for way in _ways_to(path)}

    def find(self, name: str) -> str | None:
        """The id of the box that a node of a run is drawn as: its own, else the innermost one that it is in."""
        found = self._boxes.get(name)
        if found is not None:
            return found
        way = ""
        for part in parts_of(name):
            step = self._step(way, part)
            if step is None:
                break
            way = step
            found = self._boxes.get(way, found)
            found = self._boxes.get(_without_key(way), found) if found is None else found
        return found

    def _step(self, way: str, part: str) -> str | None:
        start = f"{way}." if way else ""
        bare = part.partition("[")[0]
        return next((each for each in (start + part, f"{start}{bare}[]", start + bare) if each in self._ways), None)


def parts_of(name: str) -> Iterator[str]:
    """The parts between the dots of a name, but for dots in brackets: `each[a.b].charge` has two."""
    depth = start = 0
    for i, character in enumerate(name):
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= depth > 0
        elif character == "." and not depth:
            yield name[start:i]
            start = i + 1
    yield name[start:]


def _ways_to(path: str) -> Iterator[str]:
    way = ""
    for part in parts_of(path):
        way = f"{way}.{part}" if way else part
        yield way


def _without_key(way: str) -> str:
    return way.rpartition("[")[0] if way.endswith("]") else way
