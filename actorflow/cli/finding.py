"""Finds modules and what is in them: `module:workflow`, `path/to/file.py:workflow`, `module:function`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from actorflow.cli.exits import Refused
from actorflow.cli.trace import traceback_of
from actorflow.errors import ActorflowError, brief, suggest
from actorflow.workflow import Workflow


def load(name: str) -> ModuleType:
    """The module, by its dotted name or its file. The current folder comes first on the path. Raises `Refused`."""
    _put_first(Path.cwd())
    if name.endswith(".py") or "/" in name:
        return _load_file(Path(name))
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise Refused(f"{name!r} is no module\nGive its dotted name, or the path of a .py file.")
    return _imported(name, name)


def _load_file(path: Path) -> ModuleType:
    """A file is imported under the name that it has among its packages, so that relative imports and worker processes find it."""
    file = path.resolve()
    if not file.is_file():
        raise Refused(f"there is no file {path}")
    parts, folder = [file.stem], file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if parts[-1] == "__init__":
        parts.pop()
    _put_first(folder)
    module = _imported(".".join(parts), str(path))
    if Path(getattr(module, "__file__", None) or "").resolve() != file:
        raise Refused(f"{path} has the name of another module, {module.__name__} ({module.__file__})\nRename the file.")
    return module


def _put_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _imported(name: str, shown: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise Refused(
                f"there is no module {missing!r}, looked for in {Path.cwd()} and where Python looks"
            ) from None
        raise Refused(f"{shown} can't be imported\n{traceback_of(error)}") from error
    except SystemExit as error:
        raise Refused(
            f'{shown} ends the program when it is imported (exit code {error.code})\nGuard it: if __name__ == "__main__".'
        ) from error
    except Exception as error:
        raise Refused(f"{shown} can't be imported\n{traceback_of(error)}") from error


def workflows_in(module: ModuleType) -> dict[str, Workflow[..., Any]]:
    """The workflows of a module by the names that they have there, each once."""
    found: dict[str, Workflow[..., Any]] = {}
    seen = set[int]()
    for name, value in vars(module).items():
        if isinstance(value, Workflow) and id(value.definition) not in seen:  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            seen.add(id(value.definition))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            found[name] = value
    return found


def find_workflow(target: str) -> Workflow[..., Any]:
    """The workflow that `module:name` names; `name` may be left out where a module has one alone.

    It may name a function without parameters that gives a workflow, for plans that are made from data. Raises `Refused`.
    """
    where, name = _apart(target)
    module = load(where)
    known = workflows_in(module)
    if not name:
        if len(known) == 1:
            return next(iter(known.values()))
        raise Refused(f"{where} has {_listed(known)}\nName the one that is meant: {where}:NAME")
    found = _attribute(module, name)
    if isinstance(found, Workflow):
        return found  # pyright: ignore[reportUnknownVariableType]
    by_own_name = [one for one in known.values() if one.name == name]
    if by_own_name:
        return by_own_name[0]
    if found is None:
        known |= _makers_in(module)
        raise Refused(f"{where} has no workflow {name!r}{suggest(name, known)}\nIt has {_listed(known)}.")
    return _made_by(found, target, known)


def _makers_in(module: ModuleType) -> dict[str, Any]:
    """Functions of a module that say that they give a workflow."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and "Workflow" in str(value.__annotations__.get("return", ""))
        and not inspect.signature(value).parameters
    }


def _made_by(found: Any, target: str, known: Mapping[str, Any]) -> Workflow[..., Any]:
    if not inspect.isfunction(found) or inspect.signature(found).parameters:
        hint = f"Its module has {_listed(known)}."
        raise Refused(f"{target} isn't a workflow, nor a function without parameters that gives one\n{hint}")
    try:
        made = found()
    except Exception as error:
        raise Refused(f"{target} can't be made\n{traceback_of(error)}") from error
    if not isinstance(made, Workflow):
        raise Refused(f"{target}() gives {brief(made)}, not a workflow")
    return made  # pyright: ignore[reportUnknownVariableType]


def find_factory(target: str) -> Any:
    """What `--runtime module:function` names: anything that can be called. Raises `Refused`."""
    where, name = _apart(target)
    if not name:
        raise Refused(f"--runtime names a function of a module: {where}:FUNCTION")
    module = load(where)
    found = _attribute(module, name)
    if not callable(found):
        functions = [each for each, value in vars(module).items() if inspect.isfunction(value)]
        raise Refused(f"--runtime: {where} has no function {name!r}{suggest(name, functions)}")
    return found


def find_thing(option: str, target: str) -> Any:
    """What `option module:name` names. Raises `Refused`."""
    where, name = _apart(target)
    if not name:
        raise Refused(f"{option} names something of a module: {where}:NAME")
    module = load(where)
    found = _attribute(module, name)
    if found is None:
        raise Refused(f"{option}: {where} has no {name!r}{suggest(name, vars(module))}")
    return found


def _apart(target: str) -> tuple[str, str]:
    where, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    return where, name


def _attribute(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part, None)
        except ActorflowError as error:
            raise Refused(f"{module.__name__}:{name}: {error}") from error
    return found


def _listed(known: Mapping[str, Any]) -> str:
    match list(known):
        case []:
            return "no workflows"
        case [one]:
            return f"the workflow {one}"
        case names:
            return f"the workflows {', '.join(names)}"
