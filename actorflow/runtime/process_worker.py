"""The program that a worker process runs: calls functions one at a time, and answers (R9, R39).

A function of the main program is found by running that program again under the name `__mp_main__`, as
`multiprocessing` does. So what a program does at its top level belongs under `if __name__ == "__main__":`, starting a
`Runtime` above all; a worker refuses to start one.

`KeyboardInterrupt` and `SystemExit` end the worker, and so does the end of the runtime, which closes the socket.
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

import msgspec

from actorflow.failures import record
from actorflow.plan import StepSpec
from actorflow.policy import Halt, TryAgain
from actorflow.runtime.here import THERE
from actorflow.runtime.judge import leaves
from actorflow.runtime.process_frames import (
    PIPE,
    Answer,
    AskedAgain,
    Began,
    Call,
    Failure,
    Frames,
    FromWorker,
    HaltAsked,
    Main,
    Place,
    Returned,
    ToWorker,
    decode_arguments,
    frame,
)
from actorflow.runtime.worker_context import WorkerContext
from actorflow.workflow import step

IN_WORKER = False
"""Whether this process is a worker: then no `Runtime` may be started in it."""

_CHUNK = 1 << 18


def main(descriptor: int) -> None:
    """Serves calls that come over the socket until it is closed."""
    global IN_WORKER
    IN_WORKER = True
    # Ctrl-C goes to all processes of a terminal; what becomes of the workers is for the runtime to say. A function, not
    # SIG_IGN, so that programs started by a step don't inherit it.
    signal.signal(signal.SIGINT, _leave_it_to_the_runtime)
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    # The runtime takes the end of the stream for the end of the process, so one descriptor stays open until then.
    os.dup(descriptor)
    try:
        _serve(channel)
    except KeyboardInterrupt:
        _leave(128 + signal.SIGINT)
    except SystemExit as left:
        _leave(left.code if isinstance(left.code, int) else int(left.code is not None))
    finally:
        channel.close()


def _serve(channel: socket.socket) -> None:
    worker = _Worker(channel)
    for message in _messages(channel):
        match message:
            case Main():
                worker.program = message
            case Call():
                answer = worker.call(message)
                _flush()
                worker.send(answer)


def _flush() -> None:
    """What a step has printed is seen when it has ended, not when its worker has."""
    sys.stdout.flush()
    sys.stderr.flush()


def _leave(code: int) -> NoReturn:
    """Ends the process at once: threads that a step has left behind don't hold it up."""
    _flush()
    os._exit(code & 0xFF)


def _messages(channel: socket.socket) -> Iterator[ToWorker]:
    decoder: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
    frames = Frames()
    while data := _received(channel):
        yield from map(decoder.decode, frames.feed(data))


def _received(channel: socket.socket) -> bytes:
    try:
        return channel.recv(_CHUNK)
    except ConnectionResetError:
        return b""


class _Worker:
    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.program = Main(None, None)
        self._found: dict[tuple[str, str], tuple[Callable[..., Any], StepSpec]] = {}

    def call(self, call: Call) -> Answer:
        """Calls the function and says what came of it; lets `KeyboardInterrupt` and `SystemExit` through."""
        try:
            function, spec = self._find(call.module, call.name)
            args, keywords = decode_arguments(spec, call.payload)
            self.send(Began())
            # in variables of its own, so that what it sets isn't there in the next call (R10)
            return copy_context().run(self._enter, call.place, partial(function, *args, **keywords), spec.returns)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # whatever it is, the runtime has to know
            return Failure(record(error))

    def send(self, message: FromWorker) -> None:
        self.channel.sendall(frame(message))

    def _enter(self, place: Place | None, function: Callable[[], Any], returns: Any) -> Answer:
        if place is None:
            return self._outcome(function, returns)
        context = WorkerContext(place, self.send)
        THERE.set(context)
        try:
            return self._outcome(function, returns)
        finally:
            context.close()

    def _outcome(self, function: Callable[[], Any], returns: Any) -> Answer:
        try:
            return Returned(PIPE.encode(function(), returns, "the result"))
        except Halt as halt:
            if halt.value is None:
                return HaltAsked(None)
            return HaltAsked(PIPE.encode(halt.value, returns, "the value of Halt"))
        except TryAgain as again:
            return _asked_again([again])
        except BaseExceptionGroup as group:
            asked = [leaf for leaf in leaves(group) if isinstance(leaf, TryAgain)]
            if len(asked) < len(leaves(group)):
                raise
            return _asked_again(asked)

    def _find(self, module: str, name: str) -> tuple[Callable[..., Any], StepSpec]:
        """The function, and the step that it is the function of, for the types of its arguments."""
        found = self._found.get((module, name))
        if found is None:
            thing: Any = self._run_main() if module == "__main__" else import_module(module)
            for part in name.split("."):
                thing = getattr(thing, part)
            spec = getattr(thing, "spec", None)
            if not isinstance(spec, StepSpec):  # a function of which a step was made under another name
                spec = step(name=name)(thing).spec
            found = self._found[module, name] = (spec.function, spec)
        return found

    def _run_main(self) -> ModuleType:
        """The main program as a module, run once, under a name that isn't `__main__`."""
        known = sys.modules.get("__mp_main__")
        if known is not None:
            return known
        module = ModuleType("__mp_main__")
        sys.modules["__main__"] = sys.modules["__mp_main__"] = module
        if self.program.module is not None:
            content = runpy.run_module(self.program.module, run_name="__mp_main__", alter_sys=True)
        else:
            content = runpy.run_path(self.program.path or "", run_name="__mp_main__")
        module.__dict__.update(content)
        sys.modules["__main__"] = sys.modules["__mp_main__"] = module
        return module


def _asked_again(asked: list[TryAgain]) -> AskedAgain:
    """The one whose `after` is longest speaks for all (R14)."""
    again = max(asked, key=_after)
    reason = Failure(record(again.reason)) if isinstance(again.reason, BaseException) else again.reason
    return AskedAgain(reason, again.after)


def _after(again: TryAgain) -> float:
    return -1.0 if again.after is None else again.after


def _leave_it_to_the_runtime(*_: object) -> None:
    """Takes the interrupt, and does nothing."""
