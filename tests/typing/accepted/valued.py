"""Codecs that know types of one's own, seals, and what is secret: a marked value is still of its type."""

from decimal import Decimal
from typing import Annotated, assert_type

from actorflow import Codec, MemoryStore, Operator, Runtime, Seal, Secret, step, workflow


class Money:
    def __init__(self, amount: Decimal) -> None:
        self.amount = amount


class Shape:
    def __init__(self, size: int) -> None:
        self.size = size


class Reversed:
    """No subclass of `Seal`: it has its functions."""

    def seal(self, data: bytes, /) -> bytes:
        return data[::-1]

    def open(self, data: bytes, /) -> bytes:
        return data[::-1]


seal: Seal = Reversed()
codec = Codec(seal=seal)
codec.register(Money, encode=lambda money: str(money.amount), decode=lambda text: Money(Decimal(text)))
codec.register_family(Shape, encode=lambda shape: shape.size, decode=lambda cls, size: cls(size))


@step
async def pay(card: Annotated[str, Secret], price: Money) -> Annotated[str, Secret()]:
    return card


@workflow
def buy(card: Annotated[str, Secret], price: Money) -> str:
    return pay(card, price)


async def main() -> None:
    store = MemoryStore()
    async with Runtime(store=store, codec=codec) as runtime:
        assert_type(await runtime.run(buy, "4111", Money(Decimal(1))), str)
    async with Operator(store, codec=codec) as operator:
        await operator.inspect("r", values=True)
