"""Seals: values are other bytes on disk than the codec makes of them, and the same again when they are read (R56).

Sealed bytes begin with one that no msgpack begins with, so that nobody takes them for a value, nor opens what isn't sealed.
"""

from __future__ import annotations

from typing import Final, Protocol

from actorflow.errors import InvalidValue, NotSerializable

MARK: Final = b"\xc1"


class Seal(Protocol):
    """Encrypts values, compresses them, or both: `Codec(seal=…)`. Called on any thread, often; so it has to be quick, and to keep no state.

    The bytes carry all that `open` needs besides the keys, such as a nonce, and which key it was: then keys can be changed, as `open` knows old ones too.
    """

    def seal(self, data: bytes, /) -> bytes:
        """What is stored. The same data may give other bytes each time."""
        ...

    def open(self, data: bytes, /) -> bytes:
        """What was sealed. Raises whatever it wants for bytes that it can't open."""
        ...


def is_sealed(data: bytes) -> bool:
    return data[:1] == MARK


def sealed(seal: Seal, data: bytes, what: str) -> bytes:
    """Raises `NotSerializable`."""
    try:
        return MARK + seal.seal(data)
    except Exception as error:
        raise NotSerializable(f"{what} can't be sealed: {type(error).__name__}", path="$") from error


def opened(seal: Seal | None, data: bytes, what: str) -> bytes:
    """The bytes as they were before they were sealed, if they were. Raises `InvalidValue`, which doesn't show them."""
    if not is_sealed(data):
        return data
    if seal is None:
        raise InvalidValue(
            f"{what} is sealed, and this codec has no seal\nGive it the one that it was stored with: Codec(seal=…)."
        )
    try:
        return seal.open(data[1:])
    except Exception as error:
        raise InvalidValue(
            f"{what} can't be opened by this codec's seal: {type(error).__name__}\nGive it the keys that it was stored with."
        ) from error
