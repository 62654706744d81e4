"""What `test_secret_values.py` runs: a workflow with a secret, and codecs that seal."""

from __future__ import annotations

from typing import Annotated

from actorflow import Codec, Secret, step, wait_for_signal, workflow

Card = Annotated[str, Secret]


class Mirrored:
    """A seal that hides nothing from anybody who looks twice; enough for a test."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def seal(self, data: bytes, /) -> bytes:
        return self.key + data[::-1]

    def open(self, data: bytes, /) -> bytes:
        if not data.startswith(self.key):
            raise PermissionError("another key")
        return data[len(self.key) :][::-1]


CODEC = Codec(seal=Mirrored(b"key"))


def other_codec() -> Codec:
    return Codec(seal=Mirrored(b"other"))


@step
async def pay(card: Card, city: str) -> str:
    if city == "Rome":
        raise ValueError("no seats in Rome")
    return f"paid in {city}"


@step
async def echo(card: Card, paid: str) -> Card:
    return card


@workflow
def buy(card: Card, city: str) -> Card:
    return echo(card, pay(card, city))


@workflow
def waits(card: Card) -> str:
    return pay(card, wait_for_signal("city", str))
