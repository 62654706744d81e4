"""How a step talks to a service: one request, and the ways it can go wrong as exceptions."""

from __future__ import annotations

import aiohttp


class Unavailable(Exception):
    """The service answered 503. Whether it did the work first, nobody knows."""


class Refused(Exception):
    """The service won't do this, however often it's asked."""


class Service:
    """One service's address and the session to reach it by."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(self, operation: str, trip: str, key: str) -> str:
        """Asks for an operation and gives its number. Raises `Unavailable`, `ConnectionError` or `Refused`."""
        try:
            async with self.session.post(
                f"{self.url}/{operation}", json={"trip": trip}, headers={"Idempotency-Key": key}
            ) as response:
                return await number_in(response)
        except aiohttp.ClientConnectionError as error:
            raise ConnectionError(f"{self.url}/{operation}: {error}") from error

    async def find(self, trip: str) -> str | None:
        """The number of what the trip has at this service, if it has anything."""
        async with self.session.get(f"{self.url}/trips/{trip}") as response:
            return None if response.status == 404 else await number_in(response)


async def number_in(response: aiohttp.ClientResponse) -> str:
    if response.status == 503:
        raise Unavailable(str(response.url))
    if response.status != 200:
        raise Refused(f"{response.url}: {response.status} {await response.text()}")
    answer: dict[str, str] = await response.json()
    return answer["number"]
