"""What a workflow is made from, shared by all copies of it: drawn once, compiled once."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from inspect import Parameter, Signature, cleandoc
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from actorflow import plan
from actorflow.errors import InvalidStep, InvalidWorkflow
from actorflow.plan import InputSpec, Plan
from actorflow.policy import DURABILITIES, Durability
from actorflow.values import resolve_hints
from actorflow.workflow.lines import line_of

if TYPE_CHECKING:
    from actorflow.plan import Draft
    from actorflow.workflow.options import Handlers

_drawing_lock = RLock()
"""One workflow is drawn at a time: two threads that draw workflows which call each other never wait for each other."""


@contextmanager
def _no_garbage() -> Generator[None]:
    """Pauses the garbage collector: all that a big plan is made of is kept, and to look through it again and again takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Drawn(NamedTuple):
    """What drawing leaves: the draft, what is wrong with it so far, and the handlers of the steps that it calls."""

    draft: Draft
    problems: Sequence[str]
    handlers: Iterable[Handlers]


class _Session:
    """All that one call of `compile()` leads to. `later` are workflows that are compiled when they are first needed, in a `repeat`."""

    def __init__(self) -> None:
        self.made: list[tuple[Definition, Iterable[Handlers]]] = []
        self.later: list[Definition] = []

    def settle(self) -> Sequence[str]:
        """Compiles the later ones too, for their problems. If there are any, nothing of it all counts as compiled."""
        problems: list[str] = []
        while self.later:
            definition = self.later.pop()
            try:
                definition.compile()
            except InvalidWorkflow as error:
                problems.extend(f"workflow {definition.name!r}: {problem}" for problem in error.problems)
        for definition, called in self.made:
            if problems:
                definition.forget()
            for handlers in () if problems else called:
                handlers.compiled_in = handlers.compiled_in or definition.name
        return problems


_sessions: list[_Session] = []
"""The one that is open, if one is. Who holds the lock may look."""


@contextmanager
def _session_for(name: str) -> Generator[_Session]:
    """The open session, or one of its own, that is settled at the end."""
    if _sessions:
        yield _sessions[0]
        return
    session = _Session()
    _sessions.append(session)
    problems: Sequence[str] = ()
    try:
        try:
            yield session
        finally:
            problems = session.settle()
    finally:
        _sessions.clear()
    if problems:
        raise InvalidWorkflow(name, problems)


def compile_later(definition: Definition) -> None:
    """Has a workflow compiled when all that is being drawn now has been: it may contain what is being drawn."""
    for session in _sessions:
        session.later.append(definition)


class Definition:
    """A workflow's name and signature, and how to get its draft; the plan is made once.

    `durability` says how its runs are recorded, `None` as their runtime is told; the plan doesn't know of it, so stored runs fit all the same.
    """

    def __init__(self, name: str, description: str, signature: Signature, durability: Durability | None = None) -> None:
        self.name = name
        self.description = description
        self.signature = signature
        self.durability: Durability | None = durability
        self._draft: Draft | None = None
        self._plan: Plan | None = None

    def inputs(self) -> tuple[InputSpec, ...]:
        raise NotImplementedError

    def draft(self) -> Draft:
        """The draft, checked whole. Raises `InvalidWorkflow`."""
        self.compile()
        assert self._draft is not None
        return self._draft

    def compile(self) -> Plan:
        """The plan. Raises `InvalidWorkflow`; a workflow that was refused is tried again at the next call."""
        if self._plan is not None:
            return self._plan
        with _drawing_lock, _session_for(self.name) as session:
            made = self._plan
            if made is None:
                made = self._plan = self._compiled(session)
        return made

    def _compiled(self, session: _Session) -> Plan:
        with _no_garbage():
            drawn = self._drawn()
            made = plan.compile_draft(drawn.draft, drawn.problems)
        self._draft = drawn.draft
        session.made.append((self, drawn.handlers))
        return made

    def forget(self) -> None:
        """Makes it as if it had never been compiled."""
        self._plan = self._draft = None

    def return_type(self) -> Any:
        """The annotated type of the result as far as it's known, without drawing: this may be just what is being drawn."""
        return Any if self._plan is None else self._plan.return_type

    def _drawn(self) -> Drawn:
        raise NotImplementedError


class FunctionDefinition(Definition):
    """A workflow written as a function."""

    def __init__(
        self,
        function: Any,
        name: str | None,
        description: str | None,
        middleware: tuple[Any, ...],
        durability: Durability | None = None,
    ) -> None:
        own_name = name if name is not None else getattr(function, "__name__", "")
        signature = _checked(function, own_name)
        check_durability(own_name, durability)
        told = cleandoc(function.__doc__ or "") if description is None else description
        super().__init__(own_name, told, signature, durability)
        self.function: Callable[..., Any] = function
        self.middleware = middleware
        self._hints: dict[str, Any] | None = None
        self._inputs: tuple[InputSpec, ...] | None = None
        with suppress(InvalidStep):  # a name that is defined further down is asked for again when it's drawn
            self._hints = resolve_hints(function)

    def hints(self) -> dict[str, Any]:
        if self._hints is None:
            try:
                self._hints = resolve_hints(self.function, f"workflow {self.name!r}")
            except InvalidStep as error:
                raise InvalidWorkflow(self.name, [f"{line_of(self.function)}: {error}"]) from None
        return self._hints

    def inputs(self) -> tuple[InputSpec, ...]:
        if self._inputs is None:
            hints = self.hints()
            parameters = self.signature.parameters.values()
            self._inputs = tuple(InputSpec(p.name, hints.get(p.name, Any), p.default) for p in parameters)
        return self._inputs

    def return_type(self) -> Any:
        return self.hints().get("return", Any)

    def _drawn(self) -> Drawn:
        from actorflow.workflow.tracing import trace

        return trace(self)


# ── what can be a workflow ────────────────────────────────────────────────────────────────────────────────────────────


def _checked(function: Any, name: str) -> Signature:
    problem = _misfit(function)
    if problem is None:
        signature = inspect.signature(function)
        problem = _bad_name(name) or _bad_parameters(function, signature)
        if problem is None:
            return signature
    raise InvalidWorkflow(name or repr(function), [problem])


def check_durability(name: str, durability: object) -> None:
    """Raises `InvalidWorkflow` for what no durability is."""
    if durability is not None and durability not in DURABILITIES:
        known = ", ".join(map(repr, DURABILITIES))
        raise InvalidWorkflow(name, [f"its durability is one of {known}, not {durability!r}"])


def _misfit(function: Any) -> str | None:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "a workflow is an ordinary `def`, which draws; what waits belongs into its steps"
    if inspect.isgeneratorfunction(function):
        return "a workflow can't be a generator: it returns promises, once"
    if not inspect.isfunction(function):
        return f"@workflow takes a function, not {function!r}"
    return None


def _bad_name(name: Any) -> str | None:
    if not isinstance(name, str) or not name or name == "<lambda>" or set(name) & set(".[]"):
        return f"a workflow's name is a text without `.`, `[` and `]`, not {name!r}; give it with @workflow(name=…)"
    return None


def _bad_parameters(function: Any, signature: Signature) -> str | None:
    outer = function.__qualname__.rpartition(".")[0]
    parameters = list(signature.parameters.values())
    if outer and not outer.endswith("<locals>") and parameters and parameters[0].name in ("self", "cls"):
        return "a workflow is a function, not a method; give what it needs as an input"
    for parameter in parameters:
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            return f"a workflow's inputs have names, so it can't take `{parameter}`"
        if isinstance(parameter.default, (list, dict, set, bytearray)):
            return f"input {parameter.name!r} has a default that can change; take a tuple or None instead"
    return None
