"""The house: imports go down floors only, wings don't know each other, a folder is entered by its `__init__`.

Imports count wherever they stand: inside functions, and under `TYPE_CHECKING` too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "actorflow"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "ids", "clock", "doors", "crash_points"}),
    frozenset({"outcome", "policy", "facts", "values", "failures", "messages"}),
    frozenset({"plan", "actors", "store", "telemetry"}),
    frozenset({"workflow"}),
    frozenset({"engine"}),
    frozenset({"runtime"}),
    frozenset({"testing"}),
    frozenset({"cli"}),
    frozenset({"__init__"}),
)
FLOOR_OF = {name: number for number, floor in enumerate(FLOORS) for name in floor}
ONE_ROOM = frozenset({1})
"""Floors whose modules know each other."""
WINGS_KNOWN = {"workflow": frozenset({"plan"}), "engine": frozenset({"plan"})}
"""What these may know of floors two and up; the others know everything below."""

CORE_DEPENDENCIES = frozenset({"anyio", "msgspec", "structlog"})
EXTRA_DEPENDENCIES = {
    "store": frozenset({"asyncpg"}),
    "runtime": frozenset({"cronsim"}),
    "testing": frozenset({"pytest", "pytest_asyncio", "hypothesis"}),
    "cli": frozenset({"typer", "rich"}),
}
"""What these may import beside: by pytest's own installation, and by extras."""
IMPURE = frozenset({"asyncio", "time", "random", "threading", "anyio", "socket", "selectors", "sched", "secrets"})


class Import(NamedTuple):
    """One name that a module imports: `target` is dotted and absolute."""

    module: str
    line: int
    target: str


def module_name(path: Path, package: Path) -> str:
    """`actorflow.plan.plan`, and `actorflow.plan.__init__` for a folder's own door."""
    return ".".join(path.relative_to(package.parent).with_suffix("").parts)


def sources(package: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(package.rglob("*.py")):
        yield module_name(path, package), ast.parse(path.read_text(), str(path))


def imported(module: str, node: ast.AST) -> Iterator[str]:
    """The absolute dotted names that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = module.split(".")[: -node.level] if node.level else []
        source = ".".join([*above, *(node.module or "").split(".")]).strip(".")
        yield from (f"{source}.{alias.name}" for alias in node.names)


def imports(package: Path) -> Iterator[Import]:
    for module, tree in sources(package):
        for node in ast.walk(tree):
            for target in imported(module, node):
                yield Import(module, getattr(node, "lineno", 0), target)


def part(dotted: str) -> str:
    """The folder or module at the top of the house that a dotted name of ours belongs to."""
    names = dotted.split(".")
    return names[1] if len(names) > 1 else "__init__"


def modules(package: Path) -> frozenset[str]:
    found = {module_name(path, package) for path in package.rglob("*.py")}
    return frozenset(found | {name.removesuffix(".__init__") for name in found})


def doors(package: Path) -> frozenset[str]:
    """What the folders' doors hand out: `actorflow.workflow.step` is the decorator there, though a module has its name too."""
    handed = set[str]()
    for path in package.glob("*/__init__.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
            ):
                handed.update(f"actorflow.{path.parent.name}.{name}" for name in ast.literal_eval(node.value))
    return frozenset(handed)


def resolved(target: str, known: frozenset[str]) -> str:
    """The module that an imported name leads to: itself, if it's a module, else the one that it's taken from."""
    return target if target in known else target.rpartition(".")[0]


def trespass(entry: Import, known: frozenset[str]) -> str | None:
    """Why an import of our own may not stand, or `None`."""
    to = resolved(entry.target, known)
    here, there = part(entry.module), part(to)
    if here == there and here != "__init__":
        return "goes through its own folder's door" if to == f"actorflow.{there}" else None
    if there not in FLOOR_OF:
        return f"leads to {to}, which is on no floor"
    if len(to.split(".")) > 2:
        return f"enters {there}/ by {to}, not by its __init__"
    below, mine = FLOOR_OF[there], FLOOR_OF[here]
    if below > mine or (below == mine and mine not in ONE_ROOM):
        return f"goes up or sideways, from floor {mine} to {there} on floor {below}"
    if below >= 2 and there not in WINGS_KNOWN.get(here, {there}):
        return f"knows {there}, which {here} must not"
    return None


def trespasses(package: Path) -> list[str]:
    known = modules(package) - doors(package)
    found = (
        f"{entry.module}:{entry.line} {why}"
        for entry in imports(package)
        if entry.target.split(".")[0] == "actorflow" and (why := trespass(entry, known))
    )
    return list(dict.fromkeys(found))


def strangers(package: Path) -> list[str]:
    """Imports of what isn't the standard library, a core dependency, or ours."""
    core = CORE_DEPENDENCIES | sys.stdlib_module_names | {"actorflow"}
    return [
        f"{entry.module}:{entry.line} imports {entry.target}"
        for entry in imports(package)
        if entry.target.split(".")[0] not in core | EXTRA_DEPENDENCIES.get(part(entry.module), frozenset())
    ]


def impurities(package: Path) -> list[str]:
    """What the engine must not do: wait, look at a clock, draw a number, touch a thread or the network."""
    asynchronous = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    found = [
        f"{module}:{getattr(node, 'lineno', 0)} {type(node).__name__}"
        for module, tree in sources(package)
        if part(module) == "engine"
        for node in ast.walk(tree)
        if isinstance(node, asynchronous) or (isinstance(node, ast.comprehension) and node.is_async)
    ]
    return found + [
        f"{entry.module}:{entry.line} imports {entry.target}"
        for entry in imports(package)
        if part(entry.module) == "engine" and entry.target.split(".")[0] in IMPURE
    ]


def test_every_module_is_on_a_floor() -> None:
    assert {part(name) for name, _ in sources(PACKAGE)} <= FLOOR_OF.keys()


def test_imports_go_down_floors_only_and_enter_folders_by_their_door() -> None:
    found = trespasses(PACKAGE)
    assert not found, "\n" + "\n".join(found)


def test_the_core_needs_anyio_msgspec_and_structlog_alone() -> None:
    assert strangers(PACKAGE) == []


def test_the_engine_is_pure() -> None:
    assert impurities(PACKAGE) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small package of the same name, in which a test breaks a rule."""
    package = tmp_path / "actorflow"
    for folder in ("", "plan", "store", "engine", "workflow", "runtime", "testing"):
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").write_text("")
    for module in ("errors", "ids", "outcome", "policy", "plan/plan", "plan/render", "engine/rules", "runtime/pool"):
        (package / f"{module}.py").write_text("")
    return package


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("outcome", "from actorflow.errors import RunFailed"),
        ("outcome", "from actorflow.policy import Retry"),
        ("plan/plan", "from actorflow.plan.render import text"),
        ("plan/plan", "from .render import text"),
        ("engine/rules", "from actorflow.plan import Plan"),
        ("runtime/pool", "from actorflow.engine import decide"),
        ("__init__", "from actorflow.runtime import Runtime"),
        ("testing/__init__", "from actorflow.runtime import Runtime"),
    ],
)
def test_what_goes_down_may_stand(house: Path, module: str, line: str) -> None:
    (house / f"{module}.py").write_text(line)
    assert trespasses(house) == []


@pytest.mark.parametrize(
    ("module", "line", "why"),
    [
        ("errors", "from actorflow.outcome import Failed", "goes up"),
        ("errors", "from actorflow.ids import new_run_id", "sideways"),
        ("plan/plan", "from actorflow.store import Store", "sideways"),
        ("plan/plan", "def f():\n    import actorflow.store", "sideways"),
        ("plan/plan", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..store import Store", "sideways"),
        ("plan/plan", "from actorflow.plan import render_all", "own folder's door"),
        ("engine/rules", "from actorflow.plan.plan import Plan", "not by its __init__"),
        ("engine/rules", "from actorflow.plan import render", "not by its __init__"),
        ("engine/rules", "from actorflow.workflow import Workflow", "which engine must not"),
        ("workflow/__init__", "from actorflow.store import Codec", "which workflow must not"),
        ("runtime/pool", "from actorflow import Runtime", "goes up"),
        ("runtime/pool", "from actorflow.testing import MockClock", "goes up"),
        ("runtime/pool", "import actorflow.cellar", "on no floor"),
    ],
)
def test_what_trespasses_is_found(house: Path, module: str, line: str, why: str) -> None:
    (house / f"{module}.py").write_text(line)
    (house / "cellar.py").write_text("")
    (found,) = trespasses(house)
    assert why in found


def test_a_stranger_is_found(house: Path) -> None:
    (house / "ids.py").write_text("import uuid, httpx")
    (house / "testing" / "__init__.py").write_text("import pytest")
    assert strangers(house) == ["actorflow.ids:1 imports httpx"]


@pytest.mark.parametrize(
    "line", ["import time", "from asyncio import sleep", "async def f(): ...", "f = [x async for x in y]"]
)
def test_an_impure_engine_is_found(house: Path, line: str) -> None:
    (house / "engine" / "rules.py").write_text(line)
    assert len(impurities(house)) == 1
