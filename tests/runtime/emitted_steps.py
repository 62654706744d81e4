"""Steps at the top of a module, which a snapshot can tell by name when they were emitted."""

from __future__ import annotations

from actorflow import Halt, emit, step, step_context

done: list[str] = []
"""What the steps and their undos did; a test clears it."""

fails: list[bool] = []
"""Not empty: the last step fails."""


@step
async def fetch(page: int) -> list[int]:
    """Stands for itself as long as there are pages."""
    done.append(f"fetch {page}")
    if page < 3:
        waits = [pause()] if page == 2 else []
        emit(
            join.options(name=step_context().name)(
                [page], fetch.options(name=f"page_{page + 1}", after=waits)(page + 1)
            )
        )
    return [page]


@fetch.undo
async def unfetch(result: list[int], page: int) -> None:
    done.append(f"unfetch {page}")


@step
async def join(pages: list[int], rest: list[int]) -> list[int]:
    done.append(f"join {pages} {rest}")
    return pages + rest


@step
async def spread(values: list[float]) -> int:
    first = store(values, 1, label="a")
    emit(first, store.options(keep=True)(values, 2, label="b"), sign(first, pause()))
    return len(values)


@step
async def store(values: list[float], number: int, *, label: str) -> str:
    done.append(f"store {values} {number!r} {label}")
    return label


@store.undo
async def unstore(result: str, values: list[float], number: int, *, label: str) -> None:
    done.append(f"unstore {values} {number} {label}")


@step
async def pause() -> int:
    raise Halt(7)


@step
async def sign(stored: str, number: int) -> str:
    if number == 7 and fails:
        raise ValueError
    done.append(f"sign {stored} {number}")
    return stored


@step
async def emits_a_part() -> None:
    emit(sign("x", pause()), add_one(numbers()[0]))


@step
async def numbers() -> list[int]:
    return [1, 2]


@step
async def add_one(number: int) -> int:
    return number + 1


@step
async def emits_a_copy() -> None:
    emit(add_one.options(timeout=5)(pause()))
