"""Names of nodes as paths: `each[17].charge` is `each`, `[17]`, `charge`."""

from __future__ import annotations

from collections.abc import Sequence


def split(name: str) -> list[str]:
    """The parts of a node's name; `joined` gives the name again.

    A key in brackets may hold dots and brackets itself: it ends at the first `]` with the name's end, a dot or a bracket after it.
    """
    if "[" not in name:
        return name.split(".")
    parts: list[str] = []
    begin = 0
    while begin <= len(name):
        end = _end(name, begin)
        parts.append(name[begin:end])
        if end >= len(name):
            break
        begin = end + 1 if name[end] == "." else end
    return parts


def _end(name: str, begin: int) -> int:
    if name.startswith("[", begin):
        return _end_of_key(name, begin)
    ends = [at for at in (name.find(".", begin), name.find("[", begin)) if at >= 0]
    return min(ends, default=len(name))


def _end_of_key(name: str, begin: int) -> int:
    at = name.find("]", begin)
    while at >= 0:
        if at + 1 == len(name) or name[at + 1] in ".[":
            return at + 1
        at = name.find("]", at + 1)
    return len(name)


def joined(parts: Sequence[str]) -> str:
    """The name that these are the parts of."""
    first, *others = parts
    return first + "".join(part if part.startswith("[") else f".{part}" for part in others)
