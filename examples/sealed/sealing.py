"""Encryption with Fernet of the package `cryptography`, and compression.

    codec = Codec(seal=Encrypted(os.environ["TRIPS_KEYS"].split()))
    async with Runtime(workflows=[book_trip], store=SQLiteStore("trips.db"), codec=codec) as runtime: ...

Keys come from `Fernet.generate_key()`, and belong into a secret manager. To change keys put the new one first: what is sealed from then on is
sealed with it, what was sealed before is still opened. The old key may go when no run is left that was stored with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from cryptography.fernet import Fernet, MultiFernet

from actorflow import Seal


class Encrypted(Seal):
    """Seals with the first of the keys, and opens with any. Fernet's bytes say when they were made, and are refused if somebody has changed them."""

    def __init__(self, keys: Iterable[str | bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, data: bytes, /) -> bytes:
        return self._fernet.encrypt(data)

    def open(self, data: bytes, /) -> bytes:
        return self._fernet.decrypt(data)


class Compressed(Seal):
    """Compresses what is large enough to gain by it, and hands on to another seal, if there is one: encrypted bytes don't compress."""

    def __init__(self, then: Seal | None = None, *, at_least: int = 256) -> None:
        self._then = then
        self._at_least = at_least

    def seal(self, data: bytes, /) -> bytes:
        small = len(data) < self._at_least
        packed = b"\0" + data if small else b"\1" + zlib.compress(data)
        return packed if self._then is None else self._then.seal(packed)

    def open(self, data: bytes, /) -> bytes:
        packed = data if self._then is None else self._then.open(data)
        return packed[1:] if packed[:1] == b"\0" else zlib.decompress(packed[1:])
