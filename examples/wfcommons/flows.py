"""The graphs as workflows for the command line, made when they are asked for.

    actorflow run examples.wfcommons.flows:montage --runtime examples.wfcommons.flows:runtime

WFCOMMONS_TASKS says how many tasks a graph is to have, 110 unless told; its critical path takes a second.
"""

from __future__ import annotations

import os

from actorflow import Runtime, Workflow
from examples.wfcommons.__main__ import JOURNAL, SEED, Journal, build
from examples.wfcommons.graphs import generate


def runtime() -> Runtime:
    return Runtime(resources=[JOURNAL.provide(Journal())])


def made(name: str) -> Workflow[[], None]:
    tasks = int(os.environ.get("WFCOMMONS_TASKS", "110"))
    graph = generate(name, tasks, SEED)
    if graph is None:
        raise ValueError(f"the smallest graph of {name} has more than {tasks} tasks")
    return build(graph.scaled(1.0))


def genome() -> Workflow[[], None]:
    return made("1000Genome")


def blast() -> Workflow[[], None]:
    return made("BLAST")


def bwa() -> Workflow[[], None]:
    return made("BWA")


def cycles() -> Workflow[[], None]:
    return made("Cycles")


def epigenomics() -> Workflow[[], None]:
    return made("Epigenomics")


def montage() -> Workflow[[], None]:
    return made("Montage")


def seismology() -> Workflow[[], None]:
    return made("Seismology")


def soykb() -> Workflow[[], None]:
    return made("SoyKB")


def srasearch() -> Workflow[[], None]:
    return made("SRASearch")
