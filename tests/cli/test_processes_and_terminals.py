"""Commands as processes of their own: Ctrl-C and SIGTERM, pipes and terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.calls import FLOWS, command, environment

LONG = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def until_waiting(child: subprocess.Popen[str]) -> None:
    """Until the step that goes on for ever has said so."""
    assert child.stderr is not None
    assert child.stderr.readline().strip() == "waiting"


def until_said(child: subprocess.Popen[str], words: str) -> str:
    assert child.stdout is not None
    said = ""
    while words not in said:
        line = child.stdout.readline()
        assert line, said
        said += line
    return said


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", *arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def going_on(folder: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    with started(folder, *arguments) as child:
        try:
            until_waiting(child)
            yield child
        finally:
            child.kill()


def end_of(child: subprocess.Popen[str]) -> Ended:
    out, err = child.communicate(timeout=LONG)
    return Ended(child.returncode, out, err)


def test_a_step_that_cannot_be_ended_does_not_hold_up_the_command(folder: Path) -> None:
    with going_on(folder, f"{FLOWS}:deaf", "--runtime", f"{FLOWS}:hasty") as child:
        child.send_signal(signal.SIGINT)
        ended = end_of(child)
    assert ended.code == 1
    assert "↩ undone, in this order: first" in ended.out
    assert "nobody knows whether it acted: ignore" in ended.out


def test_a_full_disk_is_told_and_the_run_ends_as_halted(folder: Path) -> None:
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    child = subprocess.run(
        command("run", f"{FLOWS}:paused", "--run-id", "p"),
        check=False,
        cwd=folder,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=LONG,
        preexec_fn=full,  # this process has one thread
    )
    assert child.returncode == 3
    assert "It can't be resumed: its snapshot couldn't be written to p.snapshot: File too large" in child.stdout
    assert "Nothing was taken back: what its steps did stands." in child.stdout
    assert child.stderr == ""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_one_signal_halts_the_run_and_says_how_to_resume(folder: Path, number: signal.Signals, name: str) -> None:
    with going_on(folder, f"{FLOWS}:endless", "--run-id", "e", "--runtime", f"{FLOWS}:quick") as child:
        child.send_signal(number)
        ended = end_of(child)
    assert ended.code == 3
    assert f"{name}: halting the run; steps in flight have 0.01 s to end." in ended.out
    assert f"halted by {name}" in ended.out
    assert f"actorflow resume {FLOWS}:endless e.snapshot --runtime {FLOWS}:quick" in ended.out
    assert (folder / "e.snapshot").is_file()
    assert "Traceback" not in ended.err


def test_ctrl_c_twice_cancels_and_takes_back(folder: Path) -> None:
    with going_on(folder, f"{FLOWS}:endless") as child:
        child.send_signal(signal.SIGINT)
        until_said(child, "Ctrl-C: halting the run")
        child.send_signal(signal.SIGINT)
        ended = end_of(child)
    assert ended.code == 1
    assert "Ctrl-C again: cancelling the run" in ended.out
    assert "↩ undone, in this order: first" in ended.out
    assert "cancelled" in ended.out
    assert list(folder.iterdir()) == []


def test_a_rollback_is_not_interrupted(folder: Path) -> None:
    """It says how to leave it, and goes on."""
    with going_on(folder, f"{FLOWS}:hard_to_undo") as child:
        child.send_signal(signal.SIGINT)
        until_said(child, "Ctrl-C: halting the run")
        child.send_signal(signal.SIGINT)
        until_waiting(child)  # the undo
        child.send_signal(signal.SIGINT)
        until_said(child, f"kill -9 {child.pid}")
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGUSR1)
        ended = end_of(child)
    assert ended.code == 1
    assert "rollback complete" in ended.out


def test_a_second_process_goes_on_where_the_first_was_halted(folder: Path) -> None:
    with going_on(folder, f"{FLOWS}:endless", "--run-id", "e", "--runtime", f"{FLOWS}:quick") as child:
        child.send_signal(signal.SIGINT)
        assert end_of(child).code == 3
    with subprocess.Popen(
        command("resume", f"{FLOWS}:endless", "e.snapshot", "--runtime", f"{FLOWS}:quick"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as again:
        until_waiting(again)
        again.send_signal(signal.SIGTERM)
        ended = end_of(again)
    assert ended.code == 3
    assert "endless goes on, run e" in ended.out
    assert "first" not in ended.out


def test_a_reader_that_goes_away_does_not_disturb_the_run(folder: Path) -> None:
    """`actorflow run … | head -1`: the run goes on to its end."""
    with going_on(folder, f"{FLOWS}:endless", "--runtime", f"{FLOWS}:quick", "--snapshot", "kept") as child:
        assert child.stdout is not None
        child.stdout.close()
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=LONG) == 3
        assert child.stderr is not None
        assert child.stderr.read() == ""
    assert (folder / "kept").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_run_begins_ends_the_command(folder: Path, number: signal.Signals) -> None:
    with going_on(folder, f"{FLOWS}:endless", "--runtime", f"{FLOWS}:never_ready") as child:
        child.send_signal(number)
        ended = end_of(child)
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err == "actorflow: stopped before the run had begun\n"


def test_json_keeps_out_what_worker_processes_print(folder: Path) -> None:
    arguments = command("run", f"{FLOWS}:odd_elsewhere", "--json")
    done = subprocess.run(arguments, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert done.stderr == "a worker prints\n"


# ── on a terminal ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Terminal:
    """A process on a terminal of 24 lines."""

    def __init__(self, folder: Path, *arguments: str, **environs: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.seen = ""
        self.child = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=environment(TERM="xterm-256color", **environs),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # so that it gets the Ctrl-C
        )
        os.close(slave)

    def read(self, until: Callable[[str], bool]) -> None:
        while not until(self.seen):
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                break
            self.seen += data.decode()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str]:
        self.read(lambda _: False)
        return self.child.wait(timeout=LONG), self.seen

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.master)


@contextmanager
def terminal(folder: Path, *arguments: str, **environs: str) -> Generator[Terminal]:
    found = Terminal(folder, *arguments, **environs)
    try:
        yield found
    finally:
        found.close()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_a_terminal_gets_a_tree_in_colour(folder: Path) -> None:
    with terminal(folder, "run", f"{FLOWS}:book", "--input-trip", '{"city": "Oslo", "nights": 30}') as screen:
        code, seen = screen.end()
    assert code == 1
    assert "\x1b[35m↩ undone, in this order: \x1b[0m" in seen
    assert "  ✗ charge" in plain(seen)
    assert "  ↩ reserve" in plain(seen)
    assert "✗ 1 failed  ↩ 1 undone" in plain(seen)
    assert seen.endswith("\n")
    assert "\x1b[?25h" in seen, "the cursor is shown again"


def test_ctrl_c_at_the_terminal_halts_then_cancels(folder: Path) -> None:
    with terminal(folder, "run", f"{FLOWS}:endless") as screen:
        screen.read(lambda seen: "waiting" in seen)
        screen.type("\x03")
        screen.read(lambda seen: "Ctrl-C: halting the run" in seen)
        screen.type("\x03")
        code, seen = screen.end()
    assert code == 1
    assert "Ctrl-C again: cancelling the run" in plain(seen)
    assert "✗ endless cancelled" in plain(seen)


def test_colours_can_be_switched_off(folder: Path) -> None:
    with terminal(folder, "run", f"{FLOWS}:from_data", NO_COLOR="1") as screen:
        code, seen = screen.end()
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", seen)
    assert "✓ from_data succeeded" in plain(seen)


def test_plain_gives_lines_on_a_terminal_too(folder: Path) -> None:
    with terminal(folder, "run", f"{FLOWS}:from_data", "--plain", "--run-id", "d") as screen:
        code, seen = screen.end()
    assert code == 0
    assert plain(seen).splitlines()[0] == "from_data begins, run d"
    assert "\x1b[?25l" not in seen


def test_a_terminal_without_unicode_gets_other_signs(folder: Path) -> None:
    with terminal(folder, "run", f"{FLOWS}:from_data", "--plain", PYTHONIOENCODING="ascii") as screen:
        code, seen = screen.end()
    assert code == 0
    assert "? from_data succeeded" in plain(seen)


def test_without_its_packages_the_command_says_how_to_get_them(folder: Path) -> None:
    program = "import sys; sys.modules['typer'] = None; from actorflow.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'actorflow[cli]'" in done.stderr
