"""From a spec to a workflow: read strictly into what a builder is told, and built, so that it's checked as code is.

Where a builder would tell the line that something was written on, a spec's problems tell the path: `$.nodes[3].each.body.nodes[0]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from typing import Any, cast

from msgspec import UNSET

from actorflow.errors import InvalidWorkflow, brief, suggest
from actorflow.plan import InputSpec
from actorflow.policy import DURABILITIES, Durability
from actorflow.workflow.built import built
from actorflow.workflow.entries import BROKEN, Content, Entry, Options
from actorflow.workflow.named_bodies import InnerContent
from actorflow.workflow.spec.fields import Fields, each_item, fields, is_list, is_object
from actorflow.workflow.spec.kinds import KINDS
from actorflow.workflow.spec.options import STEP_OPTIONS, OptionReader
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.telling import FORMAT
from actorflow.workflow.spec.values import DEEPEST, Values, check_mapping
from actorflow.workflow.workflow import Workflow

_NODE = ("name",)
_ALL = ("after", "guards", "where")
_MORE: Mapping[str, tuple[str, ...]] = {
    "step": ("arguments", "keep", "undoable", *STEP_OPTIONS),
    "workflow": ("arguments", "undoable"),
}


def read_spec(spec: Any, registry: Registry) -> Workflow[..., Any]:
    """The workflow that a spec says. Raises `InvalidWorkflow` with all that is wrong, by path."""
    name = spec.get("name") if is_object(spec) else None
    shown = name if isinstance(name, str) else "a spec"
    reading = Reading(registry)
    try:
        content = reading.workflow(spec)
        made = None if content is None else reading.made(content)
    except RecursionError:
        raise InvalidWorkflow(shown, ["$: it's nested too deeply"]) from None
    if made is None or reading.problems:
        raise InvalidWorkflow(shown, list(dict.fromkeys(reading.problems)))
    return made


class Reading:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.problems: list[str] = []
        self.values = Values(registry, self.problems)
        self.options = OptionReader(registry, self.problems)
        self._depth = 0

    def workflow(self, spec: Any) -> Content | None:
        """All of it, as a builder is told; None if there is nothing to go on with."""
        may = ("description", "durability", "inputs", "returns", "return_type")
        if is_object(spec) and spec.get("format", FORMAT) != FORMAT:
            self.problems.append(
                f"$.format: {brief(spec['format'])} isn't a format that is known here; this is {FORMAT}"
            )
            return None
        found = fields(spec, "$", self.problems, needs=("format", "name", "nodes"), may=may)
        if found is None:
            return None
        return_type = found.text("return_type")
        content = Content(
            name=found.text("name") or "a spec",
            description=found.text("description", empty=True) or "",
            middleware=(),
            inputs=[each for each in (self._input(data, path) for path, data in each_item(found, "inputs")) if each],
            entries=[],
            line="$",
            return_type=UNSET if return_type is None else self.values.type(return_type, "$.return_type"),
            has_paths=True,
            durability=cast("Durability | None", found.one_of("durability", *DURABILITIES)),
        )
        self._content(found, content)
        return content

    def made(self, content: Content) -> Workflow[..., Any] | None:
        """The workflow; what is wrong with it is among the problems."""
        try:
            return built(content)
        except InvalidWorkflow as error:
            self.problems.extend(error.problems)
            return None

    def _input(self, data: Any, path: str) -> tuple[InputSpec, str] | None:
        found = fields(data, path, self.problems, needs=("name", "type"), may=("default",))
        name = None if found is None else found.text("name")
        if found is None or name is None:
            return None
        text = found.text("type")
        type = Any if text is None else self.values.type(text, found.at("type"))
        default: Any = Parameter.empty
        if "default" in found:
            default = self.values.literal(found.get("default"), found.at("default"))
        return InputSpec(name, type, default), path

    def _content(self, found: Fields, content: Content) -> None:
        """The nodes of a workflow or a body, and what it returns."""
        for path, data in each_item(found, "nodes"):
            entry = self._node(data, path)
            if entry is not None:
                content.entries.append(entry)
        content.returns = "returns" in found
        if content.returns:
            content.result = self.values.argument(found.get("returns"), found.at("returns"))

    # ── nodes ──

    def _node(self, data: Any, path: str) -> Entry | None:
        kind = self._kind(data, path)
        if kind is None:
            name = data.get("name") if is_object(data) else None
            return Entry(name, BROKEN, {}, (), path) if isinstance(name, str) and name else None
        known = len(self.problems)
        found = fields(data, path, self.problems, needs=(*_NODE, kind), may=(*_ALL, *_MORE.get(kind, ())))
        assert found is not None
        name = found.text("name")
        what, arguments = KINDS[kind](self, found)
        after = found.texts("after")
        options = self._node_options(found, kind)
        if name is None:
            return None
        if len(self.problems) > known:
            return Entry(name, BROKEN, {}, (), path)
        return Entry(name, what, arguments, after, path, options)

    def _kind(self, data: Any, path: str) -> str | None:
        if not is_object(data):
            self.problems.append(f"{path}: expected an object, got {brief(data)}")
            return None
        kinds = [kind for kind in KINDS if kind in data]
        if len(kinds) == 1:
            return kinds[0]
        if kinds:
            self.problems.append(f"{path}: a node is one thing, not {' and '.join(kinds)}")
            return None
        more = {name for names in _MORE.values() for name in names}
        hints = [suggest(name, KINDS) for name in data if name not in {*_NODE, *_ALL, *more}]
        hint = next(filter(None, hints), f"; it's one of {', '.join(KINDS)}")
        self.problems.append(f"{path}: it doesn't say what the node is{hint}")
        return None

    def _node_options(self, found: Fields, kind: str) -> Options:
        guards: Any = self.options.functions(found, "guards") if "guards" in found else UNSET
        where: Any = UNSET
        if "where" in found:
            is_none = found.get("where") is None and kind == "step"
            where = None if is_none else self.options.function(found, "where")
        keep, undoable = found.boolean("keep"), found.boolean("undoable")
        return Options(guards, where, UNSET if keep is None else keep, UNSET if undoable is None else undoable)

    def arguments(self, found: Fields, name: str = "arguments") -> dict[str, Any]:
        """Arguments by name; those of `*parts` are a JSON list of them."""
        if name not in found:
            return {}
        path = found.at(name)
        return {
            each: self._argument(data, f"{path}.{each}")
            for each, data in check_mapping(found.get(name), path, self.problems).items()
        }

    def _argument(self, data: Any, path: str) -> Any:
        if is_list(data):
            return [self.values.argument(item, f"{path}[{i}]") for i, item in enumerate(data)]
        return self.values.argument(data, path)

    def inside(self, found: Fields, kind: str, needs: tuple[str, ...], *may: str) -> Fields:
        inside = fields(found.get(kind), found.at(kind), self.problems, needs=needs, may=may)
        return Fields({}, found.at(kind), self.problems) if inside is None else inside

    def value(self, found: Fields, name: str) -> Any:
        return self.values.argument(found.get(name), found.at(name)) if name in found else None

    def _body(self, data: Any, path: str, given: str = "") -> InnerContent:
        content = Content(path, "", (), [], [], path, has_paths=True)
        self._depth += 1
        if self._depth > DEEPEST:
            self.problems.append(f"{path}: it's nested deeper than {DEEPEST}")
        else:
            found = fields(data, path, self.problems, needs=("nodes",), may=("returns",))
            if found is not None:
                self._content(found, content)
        self._depth -= 1
        return InnerContent(content, given)

    def body_of(self, found: Fields, given: str = "", name: str = "body") -> Any:
        return self._body(found.get(name), found.at(name), given) if name in found else UNSET
