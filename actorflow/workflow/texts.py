"""Texts with named fields: `Dear {name}, {trip.city} from {trip.start:%d.%m.%Y}`.

The fields are those of `str.format`, less what could run code or go wrong unseen: each has a name, then attributes and items of the value, a
conversion (`!r`), and a format. A text may come from a database, so an attribute never begins with an underscore, a format holds no further
fields, and no number in it has more than three digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

import msgspec

from actorflow.errors import suggest
from actorflow.plan import Attribute, Item, Key
from actorflow.workflow.subpath import MissingPart, item_type, member_type

_CONVERSIONS: Mapping[str | None, Callable[[Any], Any]] = {None: lambda value: value, "s": str, "r": repr, "a": ascii}
_NAME = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"\.(?P<attribute>[^\W\d]\w*)|\[(?P<item>[^\[\]]+)\]")
_LONG_NUMBER = re.compile(r"\d{4}")


class Field(msgspec.Struct, frozen=True):
    """A field of a text: `written` is all of it as it stands between the braces."""

    written: str
    name: str
    keys: tuple[Key, ...] = ()
    conversion: str | None = None
    format: str = ""

    def filled(self, values: Mapping[str, Any]) -> str:
        """The field's text. What the value itself raises goes out, with a note that names the field."""
        try:
            value = values[self.name]
            for key in self.keys:
                value = getattr(value, key.name) if isinstance(key, Attribute) else value[key.key]
            return format(_CONVERSIONS[self.conversion](value), self.format)
        except Exception as error:
            error.add_note(f"this happened while the field {{{self.written}}} was filled in")
            raise


class Text(msgspec.Struct, frozen=True):
    """A text taken apart: plain pieces and fields, in order; and what is wrong with it."""

    written: str
    pieces: tuple[str | Field, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def fields(self) -> Sequence[Field]:
        return [piece for piece in self.pieces if isinstance(piece, Field)]

    @property
    def names(self) -> tuple[str, ...]:
        """The values that it takes, each once, in the order of their fields."""
        return tuple(dict.fromkeys(field.name for field in self.fields))

    def filled(self, values: Mapping[str, Any]) -> str:
        return "".join(piece if isinstance(piece, str) else piece.filled(values) for piece in self.pieces)

    def misfits(self, given: Mapping[str, Any]) -> Sequence[str]:
        """What is wrong with it when it's given these values, whose types these are: parts and names that aren't there, all of them."""
        used, known = set(self.names), set(given)
        missing = [f"misses a value for its field {name!r}{suggest(name, known - used)}" for name in used - known]
        unused = [
            f"has no field {{{name}}} for the value {name!r}{suggest(name, used - known)}" for name in known - used
        ]
        if self.problems:
            unused = []  # a field that couldn't be read may be the one
        parts = [
            problem for field in self.fields if field.name in given for problem in _bad_parts(field, given[field.name])
        ]
        return [*self.problems, *sorted(missing), *sorted(unused), *parts]


def read_text(written: Any) -> Text:
    """Takes a text apart; whatever is wrong with it is in its `problems`."""
    if not isinstance(written, str):
        return Text("", problems=(f"takes a text, not {type(written).__name__}",))
    try:
        parsed = list(Formatter().parse(written))
    except ValueError as error:
        return Text(written, problems=(f"has a text that can't be read: {error}; a brace of its own is written twice",))
    pieces: list[str | Field] = []
    problems: list[str] = []
    for plain, field, format, conversion in parsed:
        pieces += [plain] if plain else []
        if field is not None:
            found = _field(field, format or "", conversion)
            (problems if isinstance(found, str) else pieces).append(found)  # type: ignore[arg-type]
    return Text(written, tuple(pieces), tuple(problems))


def _field(written: str, format: str, conversion: str | None) -> Field | str:
    """The field, or what is wrong with it."""
    shown = f"{written}{'!' + conversion if conversion else ''}{':' + format if format else ''}"
    name = _NAME.match(written)
    if name is None:
        return f"has a field {{{shown}}} without a name: fields are named, as in {{city}}"
    if conversion not in _CONVERSIONS:
        return f"has a field {{{shown}}} with the conversion {conversion!r}; there are !r, !s and !a"
    if "{" in format or "}" in format:
        return f"has a field {{{shown}}} whose format has fields of its own; formats are plain"
    if _LONG_NUMBER.search(format):
        return f"has a field {{{shown}}} whose format has a number of more than three digits"
    keys = _keys(written[name.end() :])
    return (
        f"has a field {{{shown}}} {keys}" if isinstance(keys, str) else Field(shown, name[0], keys, conversion, format)
    )


def _keys(rest: str) -> tuple[Key, ...] | str:
    keys: list[Key] = []
    while rest:
        part = _PART.match(rest)
        if part is None:
            return f"that can't be read from `{rest}` on; after its name come .attributes and [items]"
        attribute, item = part["attribute"], part["item"]
        if attribute is not None and attribute.startswith("_"):
            return f"that reaches for `.{attribute}`; attributes that begin with an underscore are the value's own"
        if attribute is not None:
            keys.append(Attribute(attribute))
        else:
            keys.append(Item(int(item) if item.isdecimal() else item))
        rest = rest[part.end() :]
    return tuple(keys)


def _bad_parts(field: Field, annotation: Any) -> Sequence[str]:
    """What surely isn't there of a value of this type."""
    for key in field.keys:
        try:
            annotation = (
                member_type(annotation, key.name) if isinstance(key, Attribute) else item_type(annotation, key.key)
            )
        except MissingPart as missing:
            return [f"has a field {{{field.written}}}: {missing}"]
    return ()
