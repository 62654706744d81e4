"""What a host lets specs name: nothing else is ever reached from one, and nothing is imported or evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar, get_origin

from actorflow.errors import InvalidRegistry, brief
from actorflow.policy import Limit
from actorflow.workflow.options import Placement
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

T = TypeVar("T")
Named = Mapping[str, T] | Iterable[T]


class Registry:
    """Steps, workflows, types, functions and limits, each by its own name, or by the one that a mapping gives it.

    `types` are the types of inputs and constants, what is gathered, and exceptions that are tried again. `functions` are transforms, predicates,
    guards, keys, factories and backoffs. Raises `InvalidRegistry` for two of one kind with one name, and for what isn't of its kind.
    """

    def __init__(
        self,
        *,
        steps: Named[Step[..., Any, Any]] = (),
        workflows: Named[Workflow[..., Any]] = (),
        types: Named[Any] = (),
        functions: Named[Callable[..., Any]] = (),
        limits: Named[Limit] = (),
    ) -> None:
        problems: list[str] = []
        self.steps: Mapping[str, Step[..., Any, Any]] = _by_name("step", steps, _is(Step), problems)
        self.workflows: Mapping[str, Workflow[..., Any]] = _by_name("workflow", workflows, _is_workflow, problems)
        self.types: Mapping[str, Any] = _by_name("type", types, _is_type, problems)
        self.functions: Mapping[str, Callable[..., Any]] = _by_name("function", functions, _is_function, problems)
        self.limits: Mapping[str, Limit] = _by_name("limit", limits, _is(Limit), problems)
        if problems:
            raise InvalidRegistry(problems)

    def name_of_type(self, wanted: Any) -> str | None:
        return _name_of(wanted, self.types)

    def name_of_function(self, wanted: Any) -> str | None:
        return _name_of(wanted, self.functions)

    def name_of_limit(self, wanted: Limit) -> str | None:
        return next((name for name, limit in self.limits.items() if limit == wanted), None)

    def name_of_workflow(self, definition: object) -> str | None:
        return next((name for name, each in self.workflows.items() if each.definition is definition), None)

    def steps_of(self, function: Callable[..., Any]) -> Sequence[tuple[str, Step[..., Any, Any]]]:
        """The steps that run a function: a step may be there with several sets of options."""
        return [(name, step) for name, step in self.steps.items() if step.function is function]


def _name_of(wanted: Any, known: Mapping[str, Any]) -> str | None:
    return next((name for name, each in known.items() if each is wanted), None)


def _by_name(kind: str, given: Any, is_one: Callable[[Any], bool], problems: list[str]) -> Mapping[str, Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        problems.append(f"{kind}s are a list, or a dict by name, not {brief(given)}")
        return {}
    found: dict[str, Any] = {}
    for name, each in _pairs(given):
        if not is_one(each):
            problems.append(f"{brief(each)} isn't a {kind}{_why(each)}")
        elif not isinstance(name, str) or not name or name == "<lambda>":
            problems.append(f"the {kind} {brief(each)} has no name of its own; give it one: {{name: …}}")
        elif name in found:
            problems.append(f"two {kind}s are named {name!r}; give one of them another name: {{name: …}}")
        else:
            found[name] = each
    return found


def _pairs(given: Any) -> Iterable[tuple[Any, Any]]:
    return given.items() if _is_mapping(given) else [(_own_name(each), each) for each in given]


def _is_mapping(given: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(given, Mapping)


def _why(thing: Any) -> str:
    return " by itself, but one with options; options are said in the spec" if isinstance(thing, Workflow) else ""


def _own_name(thing: Any) -> Any:
    """Steps and workflows have it as `__name__` too."""
    return thing.name if isinstance(thing, Limit) else getattr(thing, "__name__", None)


def _is(cls: type) -> Callable[[Any], bool]:
    return lambda thing: isinstance(thing, cls)


def _is_workflow(thing: Any) -> bool:
    """One by itself: what is said of one use of it is said in the spec."""
    return isinstance(thing, Workflow) and thing.is_undoable and not thing.guards and thing.placement == Placement()


def _is_type(thing: Any) -> bool:
    """A class, or an annotation that is made of classes."""
    is_alias = any(hasattr(thing, mark) for mark in ("__supertype__", "__value__"))
    return isinstance(thing, type) or is_alias or get_origin(thing) is not None


def _is_function(thing: Any) -> bool:
    return callable(thing) and not isinstance(thing, (Step, Workflow))
