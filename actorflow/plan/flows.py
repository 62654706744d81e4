"""Whether what flows along the edges is what the steps take: constants are checked as values (R2), the rest by annotated types (R3).

What surely doesn't fit is a problem; what can't be decided passes, with a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter
from typing import Any, get_args, get_origin, get_type_hints

from actorflow.plan.draft import Draft, DraftNode
from actorflow.plan.expression import Attribute, Collected, Constant, Expression, InputValue, NodeValue, Path, shape_of
from actorflow.plan.findings import Findings, at
from actorflow.plan.spec import StepSpec
from actorflow.values import ValueMismatch, can_flow, check, type_text

_SOME_NOTES = 100


class Flows:
    """Checks the edges of one draft; each pair of types is compared once, each undecided pair noted once."""

    def __init__(self, draft: Draft, found: Findings) -> None:
        self._draft = draft
        self._found = found
        self._answers: dict[
            tuple[int, int], tuple[bool | None, Any, Any]
        ] = {}  # holds the types, so that ids stay theirs
        self._noted: set[tuple[str, str]] = set()
        self._parameters: dict[int, _Parameters] = {}

    def check_node(self, node: DraftNode) -> None:
        """Checks each argument of a node against its parameter's annotation."""
        parameters = self._parameters.get(id(node.spec))
        if parameters is None:
            parameters = self._parameters[id(node.spec)] = _Parameters(node.spec)
        for argument, (name, wanted) in zip(node.arguments, parameters.of(node), strict=False):
            if wanted is Any or self._surely_fits(argument, wanted):
                continue
            if not parameters.is_default(name, argument):
                self.check(argument, wanted, f"step {node.name!r}, argument {name!r}", node.line)

    def _surely_fits(self, argument: Expression, wanted: Any) -> bool:
        """Whether it's the result of a node, of a type that was found good for this one before: so are most."""
        if not isinstance(argument, NodeValue):
            return False
        known = self._answers.get((id(self._draft.nodes[argument.node].spec.returns), id(wanted)))
        return known is not None and known[0] is True

    def check(self, expression: Expression, wanted: Any, what: str, line: str) -> None:
        """Checks that an expression gives what is wanted."""
        match expression:
            case Constant(value):
                self._check_constant(value, wanted, what, line)
            case Collected():
                self._check_container(expression, wanted, what, line)
            case NodeValue() | InputValue() | Path():
                self._check_type(expression, wanted, what, line)

    def type_of(self, expression: Expression) -> Any:
        """The annotated type of an expression, `Any` if it has none."""
        match expression:
            case NodeValue(node):
                return self._draft.nodes[node].spec.returns
            case InputValue(index):
                return self._draft.inputs[index].type
            case Path(type=annotated):
                return annotated
            case Constant(value):
                return shape_of(value)
            case Collected(shape=shape):
                return shape

    def _check_constant(self, value: Any, wanted: Any, what: str, line: str) -> None:
        try:
            check(value, wanted)
        except ValueMismatch as error:
            where = f" at {error.path}" if error.path else ""
            self._problem(line, f"{what}: expected {error.expected}{where}, got {error.got}")

    def _check_type(self, expression: Expression, wanted: Any, what: str, line: str) -> None:
        produced = self.type_of(expression)
        key = (id(produced), id(wanted))
        if key not in self._answers:
            self._answers[key] = (can_flow(produced, wanted), produced, wanted)
        answer = self._answers[key][0]
        if answer is True:
            return
        source = self._named(expression)
        if answer is False:
            self._problem(line, f"{what}: takes {type_text(wanted)}, but {source} is {type_text(produced)}")
        else:
            self._note(type_text(produced), type_text(wanted), at(line, f"{what}: whether {source} fits isn't known"))

    def _check_container(self, expression: Collected, wanted: Any, what: str, line: str) -> None:
        if can_flow(expression.shape, wanted) is False:
            self._problem(line, f"{what}: takes {type_text(wanted)}, but is given a {type_text(expression.shape)}")
            return
        types = _item_types(expression, wanted)
        for key, item, type in zip(expression.keys, expression.items, types, strict=True):
            if type is not Any:
                self.check(item, type, f"{what}{key}", line)

    def _named(self, expression: Expression) -> str:
        match expression:
            case NodeValue(node):
                return f"the result of {self._draft.nodes[node].name!r}"
            case InputValue(index):
                return f"input {self._draft.inputs[index].name!r}"
            case Path(root=root, keys=keys):
                return f"{''.join(map(str, keys))} of {self._named(root)}"
            case Constant() | Collected():
                return "what is given"

    def _problem(self, line: str, text: str) -> None:
        self._found.problems.append(at(line, text))

    def _note(self, produced: str, wanted: str, text: str) -> None:
        if (produced, wanted) not in self._noted and len(self._noted) < _SOME_NOTES:
            self._noted.add((produced, wanted))
            self._found.notes.append(f"{text} ({produced} to {wanted}); it is checked by no one")


class _Parameters:
    """A step's parameters as its flat arguments meet them."""

    def __init__(self, spec: StepSpec) -> None:
        parameters = list(spec.signature.parameters.values())
        self._types: Mapping[str, Any] = dict(spec.arguments)
        self._defaults = {p.name: p.default for p in parameters}
        self._many = next((p.name for p in parameters if p.kind is Parameter.VAR_POSITIONAL), None)
        self._before = [
            p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
        self._others = next((p.name for p in parameters if p.kind is Parameter.VAR_KEYWORD), None)
        self._plain = [(name, self._types.get(name, Any)) for name in self._before]

    def of(self, node: DraftNode) -> Sequence[tuple[str, Any]]:
        """Per argument its parameter's name and type."""
        if not node.keywords and self._many is None:
            return self._plain
        spread = len(node.arguments) - len(self._before) - len(node.keywords)
        many = [(self._many, self._types.get(self._many, Any))] * spread if self._many else []
        others = self._types.get(self._others, Any) if self._others else Any
        return [*self._plain, *many, *((name, self._types.get(name, others)) for name in node.keywords)]

    def is_default(self, name: str, argument: Expression) -> bool:
        """Whether the argument is the default itself: what it says of its own parameter is the step's own business."""
        return isinstance(argument, Constant) and argument.value is self._defaults.get(name, Parameter.empty)


def _item_types(expression: Collected, wanted: Any) -> Sequence[Any]:
    """What each item of a container should be, `Any` where nobody says."""
    if expression.keys and isinstance(expression.keys[0], Attribute):
        return _field_types(expression)
    count, arguments = len(expression.items), get_args(wanted)
    if not isinstance(get_origin(wanted), type) or not arguments:
        return [Any] * count
    if expression.shape is dict:
        return [arguments[1] if len(arguments) == 2 else Any] * count
    if expression.shape is tuple and arguments[-1] is not Ellipsis and get_origin(wanted) is tuple:
        return arguments if len(arguments) == count else [Any] * count
    return [arguments[0]] * count


def _field_types(expression: Collected) -> Sequence[Any]:
    try:
        hints = get_type_hints(expression.shape, include_extras=True)
    except (NameError, TypeError):
        hints = {}
    return [hints.get(key.name, Any) if isinstance(key, Attribute) else Any for key in expression.keys]
