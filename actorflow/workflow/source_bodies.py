"""Where in a call of a combinator its bodies stand: the functions that are called with promises, not with values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

_PLAIN: Mapping[str, Sequence[tuple[int | None, str]]] = {
    "each": [(1, "body")],
    "group": [(0, "body"), (None, "before"), (None, "after")],
    "around": [(1, "body")],
    "repeat": [(0, "workflow")],
    "choose": [(None, "default")],
    "choose_first": [(None, "default")],
}
"""By word: the place and the name of each argument that is a body."""


def bodies_in(word: str, call: ast.Call) -> Iterator[ast.expr]:
    """What is given as a body, as it is written."""
    for place, name in _PLAIN.get(word, ()):
        body = _argument(call, place, name)
        if body is not None:
            yield body
    if word == "choose":
        branches = _argument(call, 1, "branches")
        yield from branches.values if isinstance(branches, ast.Dict) else ()
    if word == "choose_first":
        branches = _argument(call, 0, "branches")
        for pair in branches.elts if isinstance(branches, (ast.List, ast.Tuple)) else ():
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                yield pair.elts[1]


def _argument(call: ast.Call, place: int | None, name: str) -> ast.expr | None:
    if place is not None and place < len(call.args):
        return call.args[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
