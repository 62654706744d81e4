"""Runtimes of the same machine that are dead for sure are told from those that may live."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from actorflow.runtime.neighbours import MARK, is_dead, namespace, own_name, shown


def name_of(pid: int, *, host: str = socket.gethostname(), space: str = namespace(), mark: str = MARK) -> str:
    return f"{host}:{pid};{space};{mark}"


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_that_is_gone_is_dead() -> None:
    assert is_dead(name_of(ended_process()))


def test_this_process_lives() -> None:
    assert not is_dead(own_name())
    assert own_name() == name_of(os.getpid())


def test_an_earlier_process_of_this_ones_number_is_dead() -> None:
    assert is_dead(name_of(os.getpid(), mark="another"))


def test_of_other_hosts_namespaces_and_names_nothing_is_known() -> None:
    gone = ended_process()
    assert not is_dead(name_of(gone, host="elsewhere"))
    assert not is_dead(name_of(gone, space="pid:[1]"))
    assert not is_dead("a name of somebody's own")


def test_a_process_of_somebody_else_lives() -> None:
    assert not is_dead(name_of(1))


def test_people_are_told_the_host_and_the_process() -> None:
    assert shown(own_name()) == f"{socket.gethostname()}:{os.getpid()}"
