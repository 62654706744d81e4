"""Errors in the caller's words: what a library raised is replaced by what the service promises to raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actorflow import Middleware, RunFailed, RunInfo

Translate = Callable[[BaseException], BaseException]


class Translating(Middleware):
    """Replaces the cause of a failed run, by its class; the nearest base class counts.

    `RunFailed.errors` keeps what was raised, and the new error has the old one as its cause: nothing is lost for a person who looks.
    """

    def __init__(self, translations: Mapping[type[BaseException], Translate]) -> None:
        self.translations = translations

    async def error(self, run: RunInfo, error: RunFailed) -> BaseException | None:
        raised = error.__cause__
        if raised is None:
            return None
        translate = next((self.translations[kind] for kind in type(raised).__mro__ if kind in self.translations), None)
        if translate is None:
            return None
        translated = translate(raised)
        translated.__cause__ = raised
        return translated
