"""The example of docs/actors.md, as it stands there."""

from __future__ import annotations

import msgspec
import pytest

from actorflow.actors import Actor, ActorSystem, Reply, asking
from actorflow.errors import ActorFailed, ActorflowError


class Deposit(msgspec.Struct, frozen=True):
    amount: int


class Withdraw(msgspec.Struct, frozen=True):
    reply: Reply[int]
    amount: int


class NotEnough(ActorflowError):
    """There isn't enough in the account."""


class Account(Actor[Deposit | Withdraw]):
    def __init__(self) -> None:
        self.balance = 0

    async def receive(self, message: Deposit | Withdraw, /) -> None:
        match message:
            case Deposit(amount) if amount < 0:
                raise ValueError(amount)
            case Deposit(amount):
                self.balance += amount
            case Withdraw(reply, amount) if amount > self.balance:
                reply.refuse(NotEnough(f"{self.balance} is less than {amount}"))
            case Withdraw(reply, amount):
                self.balance -= amount
                reply(self.balance)


async def test_the_example_of_the_docs() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account(), factory=Account, name="account")
        account.send(Deposit(100))
        assert await account.ask(asking(Withdraw, amount=30), timeout=5) == 70
        with pytest.raises(NotEnough):
            await account.ask(asking(Withdraw, amount=200))

        account.send(Deposit(-1))  # it fails, and is started again under the same address
        with pytest.raises((NotEnough, ActorFailed)):
            await account.ask(asking(Withdraw, amount=1))
