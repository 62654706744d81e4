"""The three services as processes: started on free ports, waited for, told what to get wrong, and stopped again."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from examples.trip.client import Service
from examples.trip.faults import OPERATIONS, Fault

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


@asynccontextmanager
async def services(folder: Path) -> AsyncGenerator[dict[str, Service], None]:
    """All three, healthy, with their databases in `folder`. Leaving stops them, whatever the reason."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        urls = {name: await stack.enter_async_context(process(name, folder / f"{name}.db")) for name in OPERATIONS}
        yield {name: Service(session, url) for name, url in urls.items()}


@asynccontextmanager
async def process(name: str, database: Path) -> AsyncGenerator[str, None]:
    """One service, by its address. It ends with us: it watches its input, which is ours to close."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.trip.service", name, str(database)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C is ours alone, and the services are there for the rollbacks
    )
    try:
        yield await address(name, started)
    finally:
        await stop(started)


async def address(name: str, started: asyncio.subprocess.Process) -> str:
    """What a service prints once it listens."""
    assert started.stdout is not None
    async with asyncio.timeout(START_TIMEOUT):
        line = await started.stdout.readline()
    if not line:
        raise RuntimeError(f"the service {name} ended before it listened; see what it printed above")
    return line.decode().strip()


async def stop(started: asyncio.subprocess.Process) -> None:
    if started.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            started.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await started.communicate()
    except TimeoutError:
        started.kill()
        await started.communicate()


async def order_faults(running: Mapping[str, Service], faults: Iterable[tuple[str, Fault]]) -> None:
    """Tells each service which trips' requests it has to get wrong, and how."""
    told: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for trip, fault in faults:
        told[fault.service].append((trip, *fault))
    for name, service in running.items():
        async with service.session.put(f"{service.url}/faults", json=told[name]) as response:
            response.raise_for_status()


async def faults_met(running: Mapping[str, Service]) -> Counter[Fault]:
    met: Counter[Fault] = Counter()
    for service in running.values():
        async with service.session.get(f"{service.url}/faults") as response:
            met.update(Fault(*fault) for fault in await response.json())
    return met
