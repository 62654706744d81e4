"""A plan for people: as text, a line per node, and as a Mermaid flowchart. Both cost O(nodes + edges)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import Parameter

from actorflow.plan.plan import InputSpec, Plan
from actorflow.plan.spec import HandlerSpec, LimitSpec, StepSpec
from actorflow.policy import Retry
from actorflow.values import type_text

_SOME = 4
"""How many names a line lists before it says how many more there are."""
_WIDEST = 40


def levels(plan: Plan) -> list[int]:
    """Per node how many nodes stand before it on the longest way to it, itself included: 1 for a root."""
    found = [1] * len(plan)
    counts = list(plan.counts)
    ready = list(plan.roots)
    while ready:
        node = ready.pop()
        for i in plan.dependents[node]:
            found[i] = max(found[i], found[node] + 1)
            counts[i] -= 1
            if not counts[i]:
                ready.append(i)
    return found


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def text(plan: Plan) -> str:
    """The plan's header, then a line per node by level: its name, what it waits for, how it is executed, what takes it back."""
    level = levels(plan)
    deepest = max(level, default=0)
    order = sorted(range(len(plan)), key=level.__getitem__)
    width = min(_WIDEST, max(map(len, plan.names), default=0))
    margin = len(str(deepest))
    rows = (f"  {level[i]:>{margin}}  {plan.names[i]:<{width}}  {_about(plan, i)}".rstrip() for i in order)
    sizes = f"{_counted(len(plan), 'step')} in {_counted(deepest, 'level')}"
    return "\n".join([f"{plan.name}({_inputs(plan)}) -> {type_text(plan.return_type)}", sizes, *rows])


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _inputs(plan: Plan) -> str:
    return ", ".join(map(_input, plan.inputs))


def _input(spec: InputSpec) -> str:
    default = "" if spec.default is Parameter.empty else f" = {spec.default!r}"
    return f"{spec.name}: {type_text(spec.type)}{default}"


def _about(plan: Plan, i: int) -> str:
    spec = plan.steps[i]
    reads = plan.reads[i]
    waits = plan.needs[i] if len(plan.needs[i]) != len(reads) else ()
    parts = [
        _listed("←", [plan.names[j] for j in reads[:_SOME]], len(reads)),
        _listed(
            "after",
            [plan.names[j] for j in waits[: _SOME + len(reads)] if j not in reads][:_SOME],
            len(waits) - len(reads),
        ),
        *_ways(spec, plan.names[i]),
    ]
    return " · ".join(filter(None, parts))


def _listed(word: str, names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f"{word} {', '.join(names)}{more}" if names else ""


def _ways(spec: StepSpec, name: str) -> Iterator[str]:
    if not name.rpartition(".")[2].startswith(spec.name):
        yield f"runs {spec.name}"
    if spec.mode != "async":
        yield spec.mode
    yield from map(_limit, spec.limits)
    yield _retry(spec.retry)
    if spec.timeout is not None:
        yield f"timeout {spec.timeout:g} s"
    if spec.guards:
        yield _counted(len(spec.guards), "guard")
    if spec.irreversible:
        yield "⚠ irreversible"
    if spec.compensate:
        yield f"✚ {_handler(spec.compensate)}"
    if spec.undo:
        yield f"↩ {_handler(spec.undo)}"


def _limit(limit: LimitSpec) -> str:
    most, rate = limit.limit.at_most, limit.limit.rate
    bounds = [f"at most {most}"] if most is not None else []
    bounds += [f"{rate.starts} per {rate.per:g} s"] if rate is not None else []
    return f"limit {limit.limit.name}" + (f" ({', '.join(bounds)})" if bounds else "")


def _retry(retry: Retry) -> str:
    if retry == Retry():
        return ""
    attempts = "retry without end" if retry.attempts is None else f"{_counted(retry.attempts, 'attempt')}"
    return attempts + (f" on {', '.join(each.__name__ for each in retry.on)}" if retry.on else "")


def _handler(handler: HandlerSpec) -> str:
    return getattr(handler.function, "__name__", "handler")


# ── Mermaid ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_CLASSES = (
    "classDef undoable stroke:#2f7d4f,stroke-width:2px",
    "classDef irreversible stroke:#b3372f,stroke-width:2px,stroke-dasharray:5 3",
    "classDef inline fill:#f4f4f4,stroke:#999999,color:#333333",
)


def mermaid(plan: Plan) -> str:
    """A Mermaid flowchart: a subgraph per composed workflow, dotted arrows for `after`, ↩ for an undo, ✚ for a compensation."""
    lines = ["flowchart TD", *_boxes(plan), *_arrows(plan)]
    used = {kind for i in range(len(plan)) if (kind := _kind(plan.steps[i]))}
    lines += [f"    {each}" for each in _CLASSES if each.split()[1] in used]
    return "\n".join(lines) + "\n"


def _boxes(plan: Plan) -> Iterator[str]:
    """The nodes; those of composed workflows inside of their subgraphs, opened and closed as the names go in and out."""
    opened: list[str] = []
    number = 0
    for i in sorted(range(len(plan)), key=lambda i: _groups(plan.names[i])):
        groups = _groups(plan.names[i])
        common = sum(1 for _ in _same_start(opened, groups))
        while len(opened) > common:
            yield f"{_indent(opened)[4:]}    end"
            opened.pop()
        for group in groups[common:]:
            yield f'{_indent(opened)}    subgraph g{number}["{_escaped(group)}"]'
            opened.append(group)
            number += 1
        yield f"{_indent(opened)}    {_box(plan, i)}"
    while opened:
        yield f"{_indent(opened)[4:]}    end"
        opened.pop()


def _groups(name: str) -> list[str]:
    return name.split(".")[:-1]


def _same_start(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return
        yield mine


def _indent(opened: Sequence[str]) -> str:
    return "    " * len(opened)


def _box(plan: Plan, i: int) -> str:
    spec = plan.steps[i]
    label = [_escaped(plan.names[i].rpartition(".")[2])]
    label += [f"✚ {_escaped(_handler(spec.compensate))}"] if spec.compensate else []
    label += [f"↩ {_escaped(_handler(spec.undo))}"] if spec.undo else []
    label += ["⚠ irreversible"] if spec.irreversible else []
    kind = _kind(spec)
    return f'n{i}["{"<br/>".join(label)}"]' + (f":::{kind}" if kind else "")


def _kind(spec: StepSpec) -> str:
    if spec.irreversible:
        return "irreversible"
    if spec.undo:
        return "undoable"
    return "inline" if spec.mode == "inline" else ""


def _arrows(plan: Plan) -> Iterator[str]:
    for i, needed in enumerate(plan.needs):
        reads = set(plan.reads[i])
        for j in needed:
            yield f"    n{j} {'-->' if j in reads else '-.->'} n{i}"


def _escaped(label: str) -> str:
    """A label in which Mermaid sees text alone."""
    return "".join(each if each.isalnum() or each in " _-+,:/()" else f"#{ord(each)};" for each in label)
