"""The inputs of a run from the command line: text and JSON, converted strictly (R2)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import Parameter
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, cast, get_args, get_origin
from uuid import UUID

from actorflow.cli.exits import Refused
from actorflow.errors import InvalidInput, InvalidWorkflow, brief, suggest
from actorflow.plan import InputSpec
from actorflow.values import MASK, ValueMismatch, convert, holds_secrets, type_text
from actorflow.workflow import Workflow

OWN_OPTIONS = frozenset({"--input", "--input-file"})


def taken_out(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """`--input-NAME VALUE` and `--input-NAME=VALUE`, and the arguments without them. Raises `Refused` where a value is missing."""
    named: list[tuple[str, str]] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        option, equals, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *waiting]
        elif not option.startswith("--input-") or option in OWN_OPTIONS:
            rest.append(argument)
        else:
            given = value if equals else next(waiting, None)
            if given is None:
                raise Refused(f"{option} needs a value")
            named.append((option.removeprefix("--input-"), given))
    return named, rest


def gathered(
    workflow: Workflow[..., Any], file: str | None, text: str | None, named: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The values of all inputs by name. What stands nearer to the person wins: an option over `--input`, that over the file.

    Raises `Refused`, which names the input and the path inside it.
    """
    try:
        specs = workflow.inputs
    except InvalidWorkflow as error:
        raise Refused(str(error)) from None
    given: dict[str, Any] = {}
    if file is not None:
        given |= _object(_read(file), f"--input-file {file}")
    if text is not None:
        given |= _object(text, "--input")
    given |= _named(specs, named)
    _refuse_missing(specs, given)
    try:
        values = workflow.convert_inputs(given)
    except InvalidInput as error:
        raise Refused(str(error)) from None
    return {spec.name: value for spec, value in zip(specs, values, strict=True)}


def _refuse_missing(specs: Sequence[InputSpec], given: Mapping[str, Any]) -> None:
    """Tells of all that is missing, and which options would give it; a misspelt name is told of first."""
    missing = [spec.name for spec in specs if spec.name not in given and spec.default is Parameter.empty]
    if not missing or given.keys() - {spec.name for spec in specs}:
        return
    options = " ".join(f"--input-{name} …" for name in missing)
    raise Refused(f"missing: {', '.join(missing)}\nGive it with {options}, --input JSON or --input-file FILE.")


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(text: str, what: str) -> Any:
    """The value of a JSON text, read strictly. Raises `Refused` with line and column."""
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Refused(f"{what}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Refused(f"{what}: JSON that is nested too deeply") from None
    except ValueError as error:
        raise Refused(f"{what}: {error}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _object(text: str, what: str) -> Mapping[str, Any]:
    value = parse(text, what)
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    kind = next((name for cls, name in _KINDS.items() if isinstance(value, cls)), "a number")
    raise Refused(f"{what}: expected an object that maps the names of inputs to values, got {kind}")


_KINDS: dict[type, str] = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise Refused(f"--input-file {file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"--input-file {file}: it isn't UTF-8 (byte {error.start})") from None


# ── one option per input ──────────────────────────────────────────────────────────────────────────────────────────────


def _named(specs: Sequence[InputSpec], named: Sequence[tuple[str, str]]) -> dict[str, Any]:
    types = {spec.name: spec.type for spec in specs}
    given: dict[str, Any] = {}
    for option, text in named:
        name = option if option in types else option.replace("-", "_")
        if name not in types:
            known = f"\nThe workflow takes {', '.join(types)}." if types else "\nThe workflow takes no inputs."
            raise Refused(f"--input-{option}: there is no input {name!r}{suggest(name, types)}{known}")
        if name in given:
            raise Refused(f"--input-{option}: it is given twice")
        given[name] = value_of(text, types[name], f"--input-{option}")
    return given


def value_of(text: str, annotation: Any, what: str) -> Any:
    """A value that was given by itself: text for `str`; else JSON, or the text itself where the type takes that but no such JSON.

    So a date, an enum's name or one of some literals needs no quotes.
    """
    if (annotation.__origin__ if get_origin(annotation) is Annotated else annotation) is str:
        return text
    try:
        value = parse(text, what)
    except Refused as error:
        if _fits(text, annotation):
            return text
        raise Refused(_unfit(text, annotation, what, str(error))) from None
    return text if not _fits(value, annotation) and _fits(text, annotation) else value


def _unfit(text: str, annotation: Any, what: str, broken: str) -> str:
    """What is said of a text that is neither JSON nor of the type: that it's broken, if JSON was meant, else what is expected."""
    named = type_text(annotation)
    if text.lstrip().startswith(("{", "[", '"')) or not _is_one_word(annotation):
        return f"{broken}\nThe input takes {named}."
    values = "".join(f"\nIt's one of {', '.join(str(each.value) for each in kind)}." for kind in _enums(annotation))
    return f"{what}: expected {named}, got {MASK if holds_secrets(annotation) else brief(text)}{values}"


def _is_one_word(annotation: Any) -> bool:
    """Whether its values can be given without braces and brackets."""
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return any(get_origin(each) is Literal or (isinstance(each, type) and issubclass(each, _WORDS)) for each in members)


def _enums(annotation: Any) -> list[type[Enum]]:
    members = (annotation, *get_args(annotation))
    return [each for each in members if isinstance(each, type) and issubclass(each, Enum)]


_WORDS = (int, float, bool, Enum, date, time, timedelta, Decimal, UUID)


def _fits(value: Any, annotation: Any) -> bool:
    try:
        convert(value, annotation)
    except ValueMismatch:
        return False
    return True
