"""Finds in a workflow's source what drawing can't catch: `p is None`, `isinstance(p, …)`, `type(p)`, `match p`.

Python answers these without asking the promise, and the answer is about the promise, not about the value. So the source is parsed, where there
is one, with the bodies of combinators that are written in it. A name is surely a promise if it is a parameter, or if all that is ever assigned to it is made by steps, workflows and combinators; if only
some of it is, there is no telling, and that's a note.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from actorflow.plan import Findings, at
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.source_bodies import bodies_in
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

_INSTEAD = "decide with choose or choose_first, with where= on a step, or inside a step"


def scan(function: Callable[..., Any], *, is_body: bool = False) -> Findings:
    """What is wrong with the source of a workflow, or of a body, and what can't be decided."""
    found = Findings()
    name = getattr(function, "__name__", repr(function))
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        found.notes.append(
            f"the source of {name!r} can't be read, so `is`, `isinstance` and `match` on promises go unseen"
        )
        return found
    body = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if body is not None:
        file = Path(inspect.getsourcefile(function) or "").name
        names = _names_seen_by(function)
        given = _required(body.args) if is_body else _parameters(body.args)
        _Scan(names, found, lambda node: f"{file}:{first + node.lineno - 1}").run(body, given, {})
    return found


class _Scan:
    """One function: first which names are promises, then how they are used; then the same for the bodies that are written in it."""

    def __init__(self, names: Mapping[str, Any], found: Findings, line: Callable[[Any], str]) -> None:
        self._names = names
        self._found = found
        self._line = line
        self._given: Sequence[str] = ()
        self._around: Mapping[str, bool] = {}
        self._promises: dict[str, bool] = {}

    def run(self, body: ast.FunctionDef | ast.Lambda, given: Sequence[str], around: Mapping[str, bool]) -> None:
        """`given` are the parameters that are promises, `around` the names around the function that are."""
        self._given = given
        self._around = {name: kind for name, kind in around.items() if name not in _parameters(body.args)}
        self._promises = {**self._around, **dict.fromkeys(given, True)}
        nodes = list(_own_nodes(body))
        for _ in range(3):  # an alias of an alias is settled in the second round, whatever the order
            self._learn(nodes)
        for node in nodes:
            self._judge(node)
        for inner in self._bodies(nodes):
            _Scan(self._names, self._found, self._line).run(inner, _required(inner.args), self._promises)

    def _bodies(self, nodes: Sequence[ast.AST]) -> Iterator[ast.FunctionDef | ast.Lambda]:
        """The functions in it that are bodies of combinators: written there, or named there, each once."""
        functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        seen: set[int] = set()
        for node in nodes:
            word = self._word_of(node)
            for body in bodies_in(word, node) if word and isinstance(node, ast.Call) else ():
                inner = functions.get(body.id) if isinstance(body, ast.Name) else body
                if isinstance(inner, (ast.FunctionDef, ast.Lambda)) and id(inner) not in seen:
                    seen.add(id(inner))
                    yield inner

    def _word_of(self, node: ast.AST) -> str:
        """`each`, if it is a call of `each` or of a copy of it; nothing if it's no combinator."""
        match node:
            case ast.Call(func=ast.Call(func=ast.Attribute(value=value, attr="options"))):
                found = self._value_of(value)
            case ast.Call(func=called):
                found = self._value_of(called)
            case _:
                found = None
        return found.word if isinstance(found, Combinator) else ""

    def _learn(self, nodes: list[ast.AST]) -> None:
        """Which names are promises: True surely, False perhaps."""
        assigned: dict[str, list[bool | None]] = {name: [True] for name in self._given}
        for node in nodes:
            for name, value in _assignments(node):
                assigned.setdefault(name, []).append(self._is_promise(value))
        around = {name: kind for name, kind in self._around.items() if name not in assigned}
        own = {name: all(kinds) for name, kinds in assigned.items() if any(kind is not None for kind in kinds)}
        self._promises = {**around, **own}

    def _is_promise(self, node: ast.AST | None) -> bool | None:
        """True: surely; False: perhaps; None: no."""
        match node:
            case ast.Name(id=name):
                return self._promises.get(name)
            case ast.Attribute(value=value) | ast.Subscript(value=value):
                return self._is_promise(value)
            case ast.NamedExpr(value=value):
                return self._is_promise(value)
            case ast.IfExp(body=body, orelse=other):
                answers = {self._is_promise(body), self._is_promise(other)}
                return True if answers == {True} else None if answers == {None} else False
            case ast.Call(func=called):
                return True if self._draws(called) else None
            case _:
                return None

    def _draws(self, called: ast.AST) -> bool:
        """Whether calling this gives a promise: a step, a workflow, a combinator, an `.options(…)` of one."""
        match called:
            case ast.Call(func=ast.Attribute(value=value, attr="options")):
                return self._draws(value)
            case ast.Name() | ast.Attribute():
                return _is_definition(self._value_of(called))
            case _:
                return False

    def _value_of(self, node: ast.AST) -> Any:
        match node:
            case ast.Name(id=name):
                return self._names.get(name)
            case ast.Attribute(value=value, attr=name):
                return inspect.getattr_static(self._value_of(value), name, None)
            case _:
                return None

    # ── uses ──

    def _judge(self, node: ast.AST) -> None:
        for subject, form in _uses(node):
            answer = self._is_promise(subject)
            if answer is None:
                continue
            shown = ast.unparse(subject)
            text = f"`{form.format(shown)}` asks about the promise, not about the value; {_INSTEAD}"
            if answer:
                self._found.problems.append(at(self._line(node), text))
            else:
                self._found.notes.append(at(self._line(node), f"{text}, if {shown} is a promise there"))


# ── reading the tree ──────────────────────────────────────────────────────────────────────────────────────────────────


def _names_seen_by(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        closed = inspect.getclosurevars(function)
    except ValueError:
        return getattr(function, "__globals__", {})
    return {**getattr(function, "__globals__", {}), **closed.nonlocals}


def _is_definition(value: Any) -> bool:
    return isinstance(value, (Step, Workflow, Combinator))


def _parameters(arguments: ast.arguments) -> list[str]:
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _required(arguments: ast.arguments) -> list[str]:
    """The parameters of a body that it is given: one with a default keeps that."""
    positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    return positional[: len(positional) - len(arguments.defaults)]


def _own_nodes(body: ast.FunctionDef | ast.Lambda) -> Iterator[ast.AST]:
    """The nodes of a function, without functions within it: those are called with values, or looked at by themselves."""
    waiting: list[ast.AST] = [body.body] if isinstance(body, ast.Lambda) else list(body.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting[:0] = ast.iter_child_nodes(node)


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Names that are bound here, each with what to; None if that can't be a promise, or can't be seen."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            yield from _bound(target, value)
        case ast.NamedExpr(target=target, value=value):
            yield from _bound(target, value)
        case ast.For(target=target) | ast.comprehension(target=target):
            yield from _bound(target, None)
        case ast.withitem(optional_vars=target) if target is not None:
            yield from _bound(target, None)
        case _:
            return


def _bound(target: ast.AST, value: ast.AST | None) -> Iterator[tuple[str, ast.AST | None]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), (ast.Tuple(elts=values) | ast.List(elts=values))) if len(
            names
        ) == len(values):
            for each, given in zip(names, values, strict=True):
                yield from _bound(each, given)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), _):
            for each in names:
                yield from _bound(each, None)
        case _:
            return


def _uses(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What is asked about in a way that no promise notices, each with the form of the question."""
    match node:
        case ast.Compare(left=left, ops=operators, comparators=others):
            sides = [left, *others]
            for one, operator, other in zip(sides, operators, others, strict=False):
                if isinstance(operator, (ast.Is, ast.IsNot)):
                    word = "is" if isinstance(operator, ast.Is) else "is not"
                    yield one, f"{{}} {word} {_quoted(other)}"
                    yield other, f"{_quoted(one)} {word} {{}}"
        case ast.Call(func=ast.Name(id="isinstance" | "type" | "issubclass" | "callable" as name), args=[subject, *_]):
            yield subject, f"{name}({{}}{', …' if name.startswith('is') else ''})"
        case ast.Match(subject=ast.Tuple(elts=subjects)):
            for subject in subjects:
                yield subject, "match {}"
        case ast.Match(subject=subject):
            yield subject, "match {}"
        case _:
            return


def _quoted(node: ast.AST) -> str:
    return ast.unparse(node).replace("{", "{{").replace("}", "}}")
