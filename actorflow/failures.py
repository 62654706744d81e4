"""Exceptions as records that outlive their process, and back (R13).

An exception is recorded as text (type, message, traceback, notes) and, as far as it is plain data, its arguments and fields; never as a pickle.
It is rebuilt if its class is registered with `@failure`, built in, or ActorFlow's own; else it comes back as `RecordedFailure`. `failed_with` answers
the same for both.
"""

from __future__ import annotations

import builtins
import traceback
from typing import Any, TypeVar, cast

import msgspec

from actorflow import errors, values
from actorflow.errors import ActorflowError, InvalidStep, RecordedFailure, StepError

T = TypeVar("T")

_DEPTH = 4
"""How many causes of causes, and groups in groups, are recorded."""

_REGISTERED: dict[str, type[BaseException]] = {}


class StepErrorRecord(msgspec.Struct, frozen=True):
    """A `StepError` of a run that failed inside of a step."""

    node: str
    phase: errors.Phase
    attempt: int
    error: FailureRecord


class FailureRecord(msgspec.Struct, frozen=True):
    """An exception, written down.

    `type` is module and qualified name; `kinds` the same of its base classes, nearest first. `args` and `fields` are plain data; `lost` names the
    fields that weren't. `parts` are the members of an exception group, `errors` those of a `RunFailed`. `sealed` holds all of it where values are
    sealed; then only `type` and `kinds` are told openly.
    """

    type: str
    message: str
    traceback: str = ""
    notes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    args: list[Any] = []
    fields: dict[str, Any] = {}
    lost: tuple[str, ...] = ()
    cause: FailureRecord | None = None
    parts: tuple[FailureRecord, ...] = ()
    errors: tuple[StepErrorRecord, ...] = ()
    sealed: bytes = b""


def failure(cls: type[T]) -> type[T]:
    """Registers an exception class, so that it is rebuilt as itself after a restart, or from another process.

    Its arguments and fields come back as far as they are plain data, or of the type that the class annotates them with; `__init__` isn't called.
    """
    if not _is_exception(cls):
        raise InvalidStep(f"@failure is given {cls!r}\nIt registers exception classes.")
    if "<locals>" in cls.__qualname__:
        raise InvalidStep(
            f"@failure is given {cls.__qualname__}, which another process can't find\nDefine it at module level."
        )
    _REGISTERED[type_name(cls)] = cast("type[BaseException]", cls)
    return cls


def _is_exception(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseException)


def type_name(cls: type) -> str:
    """Module and qualified name; of a built-in class the name alone. What the main program defines is named alike in its workers."""
    module = "__main__" if cls.__module__ == "__mp_main__" else cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def record(error: BaseException) -> FailureRecord:
    """The exception as data. Never raises, whatever the exception's own methods do."""
    return _record(error, _DEPTH)


def rebuild(written: FailureRecord) -> BaseException:
    """The exception that was recorded: of its own class if that is known here, else a `RecordedFailure`."""
    cls = _known(written.type)
    error = _rebuilt(cls, written) if cls is not None else None
    error = error or _unknown(written)
    for note in (*written.notes, *_notes_of_lost(written, error)):
        error.add_note(note)
    if written.cause is not None:
        error.__cause__ = rebuild(written.cause)
    return error


def failed_with(error: BaseException, kind: type[BaseException] | str) -> bool:
    """Whether an error is of a class, or of a subclass, given as itself or by name (bare, or with its module).

    Answers the same whether the exception was raised in this process or recorded in another.
    """
    names = _names(error)
    if not isinstance(kind, type):
        return _is_named(kind, names)
    if isinstance(error, RecordedFailure):  # what it is itself counts only if that is what is asked
        return kind is RecordedFailure or type_name(kind) in names
    return isinstance(error, kind) or type_name(kind) in names


def _names(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, RecordedFailure):
        return (error.type, *error.kinds)
    return tuple(type_name(cls) for cls in type(error).__mro__)


def _is_named(kind: str, names: tuple[str, ...]) -> bool:
    return any(kind == name or name.endswith(f".{kind}") for name in names)


def _record(error: BaseException, depth: int) -> FailureRecord:
    if isinstance(error, RecordedFailure):
        return _recorded_again(error, depth)
    kept, lost = _fields(error)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return FailureRecord(
        type=type_name(type(error)),
        message=_text(error),
        traceback=_traceback(error),
        notes=tuple(str(note) for note in getattr(error, "__notes__", ())),
        kinds=tuple(type_name(cls) for cls in type(error).__mro__[1:] if issubclass(cls, BaseException)),
        args=[argument if _is_plain(argument) else _text(argument) for argument in error.args],
        fields=kept,
        lost=lost,
        cause=_record(cause, depth - 1) if cause is not None and depth else None,
        parts=_parts(error, depth),
        errors=_step_errors(error, depth),
    )


def _recorded_again(error: RecordedFailure, depth: int) -> FailureRecord:
    notes = tuple(getattr(error, "__notes__", error.notes))
    parts = tuple(_record(part, depth - 1) for part in error.parts) if depth else ()
    return FailureRecord(error.type, error.message, error.traceback, notes, error.kinds, parts=parts)


def _fields(error: BaseException) -> tuple[dict[str, Any], tuple[str, ...]]:
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in vars(error).items():
        if name == "__notes__" or (name == "errors" and _is_step_errors(value)):
            continue
        plain = _plain(value)
        if plain is _LOST:
            lost.append(name)
        else:
            kept[name] = plain
    return kept, tuple(lost)


_LOST = object()


def _plain(value: Any) -> Any:
    """A field as plain data, to be converted by the class's annotation when it's rebuilt."""
    if _is_plain(value):
        return value
    try:
        built = msgspec.to_builtins(value, builtin_types=(bytes,))
        msgspec.msgpack.encode(built)
    except Exception:
        return _LOST
    return built


def _is_plain(value: Any) -> bool:
    try:
        values.check_exact(value, Any)
        msgspec.msgpack.encode(value)
    except (values.ValueMismatch, ValueError, OverflowError, RecursionError):
        return False
    return True


def _parts(error: BaseException, depth: int) -> tuple[FailureRecord, ...]:
    if not isinstance(error, BaseExceptionGroup) or not depth:
        return ()
    members = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return tuple(_record(part, depth - 1) for part in members)


def _is_step_errors(value: Any) -> bool:
    return isinstance(value, tuple) and {type(each) for each in value} <= {StepError}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _step_errors(error: BaseException, depth: int) -> tuple[StepErrorRecord, ...]:
    found = getattr(error, "errors", ())
    if not depth or not _is_step_errors(found):
        return ()
    return tuple(StepErrorRecord(each.node, each.phase, each.attempt, _record(each.error, depth - 1)) for each in found)


def _text(value: object) -> str:
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return f"<{type(value).__name__} without a text>"


def _traceback(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__, chain=False)
    except Exception:
        return ""
    return "".join(lines).encode("utf-8", "backslashreplace").decode()


def _known(name: str) -> type[BaseException] | None:
    if name in _REGISTERED:
        return _REGISTERED[name]
    module, _, own = name.rpartition(".")
    found = getattr(builtins if not module else errors, own, None) if module in {"", "actorflow.errors"} else None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _rebuilt(cls: type[BaseException], written: FailureRecord) -> BaseException | None:
    try:
        if "BaseExceptionGroup" in (written.type, *written.kinds):
            return _group(cls, written)
        if cls.__module__ == "builtins":
            return cls(*written.args)
        return _without_init(cls, written)
    except Exception:
        return None


def _group(cls: Any, written: FailureRecord) -> BaseException | None:
    if not written.parts:
        return None
    group: BaseException = cls(str(written.args[0]), [rebuild(part) for part in written.parts])
    return group


def _without_init(cls: type[BaseException], written: FailureRecord) -> BaseException:
    error = cls.__new__(cls, *written.args)
    error.args = tuple(written.args)
    hints = values.resolve_class_hints(cls)
    for name, value in written.fields.items():
        setattr(error, name, values.convert(value, hints.get(name, Any)))
    for name in written.lost:
        setattr(error, name, None)
    if "errors" not in written.fields and issubclass(cls, ActorflowError) and _has_step_errors(cls):
        members = tuple(StepError(each.node, each.phase, each.attempt, rebuild(each.error)) for each in written.errors)
        setattr(error, "errors", members)  # noqa: B010  # it's a field of some classes of the tree only
    return error


def _has_step_errors(cls: type[BaseException]) -> bool:
    return issubclass(cls, errors.RunFailed | errors.RunCancelled | errors.UndoFailed)


def _unknown(written: FailureRecord) -> RecordedFailure:
    parts = [rebuild(part) for part in written.parts]
    return RecordedFailure(written.type, written.message, written.traceback, written.notes, written.kinds, parts)


def _notes_of_lost(written: FailureRecord, error: BaseException) -> list[str]:
    if not written.lost or isinstance(error, RecordedFailure | ActorflowError):
        return []
    return [f"Not recorded, as they aren't plain data: {', '.join(written.lost)}"]
