"""Codecs that are taught wrongly, and what isn't a seal."""

from actorflow import Codec, MemoryStore, Operator, Runtime


class Money:
    cents: int = 0


class Half:
    def seal(self, data: bytes, /) -> bytes:
        return data


class Text:
    def seal(self, data: str, /) -> str:
        return data

    def open(self, data: str, /) -> str:
        return data


codec = Codec()
codec.register(Money, encode=lambda money: money.dollars, decode=lambda cents: Money())  # BAD
codec.register(Money, encode=lambda money: money.cents, decode=lambda cents: "Money")  # BAD
codec.register(Money, encode=lambda money: money.cents)  # BAD
codec.register_family(Money, encode=lambda money: money.cents, decode=lambda cents: Money())  # BAD
Codec(seal=Half())  # BAD
Codec(seal=Text())  # BAD
Codec(Half())  # BAD
Runtime(store=MemoryStore(), codec=Half())  # BAD
Operator(MemoryStore(), codec="shop:codec")  # BAD
