"""Options that don't exist, or are of the wrong type."""

from trip import Seat, charge_card, label, reserve_seat

from actorflow import Exponential, Limit, Rate, Retry, Runtime, Skip, TryAgain, step, workflow

r1 = Retry(attempt=3)  # BAD
r2 = Retry(attempts="3")  # BAD
r3 = Retry(on=ConnectionError)  # BAD
r4 = Retry(backoff=3)  # BAD
l1 = Limit("x", atmost=3)  # BAD
l2 = Limit("x", rate=3)  # BAD
l3 = Rate(1)  # BAD
x1 = Exponential("1")  # BAD
t1 = TryAgain(after="1")  # BAD
o1 = label.options(nane="x")  # BAD
o2 = label.options(mode="proces")  # BAD
o3 = label.options(retry=3)  # BAD
o4 = label.options(limit="gateway")  # BAD
o5 = label.options(timeout="1")  # BAD
o6 = label.options(after=3)  # BAD
o7 = label.options(queue="gpu")  # BAD


def other(city: int) -> bool:
    return city > 3


def wrong_skip(seat: Seat, nights: int) -> Skip[str] | None:
    return None


o8 = reserve_seat.options(where=other)  # BAD
o9 = charge_card.options(guards=[wrong_skip])  # BAD


@step(timeout="1")  # BAD
def s1() -> None: ...


@step(retries=3)  # BAD
def s2() -> None: ...


@step(mode="gpu")  # BAD
def s3() -> None: ...


@workflow(durability="always")  # BAD
def w1() -> None: ...


@workflow
def w2() -> None: ...


w3 = w2.options(durability=True)  # BAD
d1 = Runtime(durability="behind")  # BAD
