"""Graphs of tasks with their recorded times: what WfCommons' recipes make, and the longest way through them.

WfCommons (https://wfcommons.org) learned its recipes from logs of real executions; a recipe makes a graph of about the size
that it's asked for, with each task's run time drawn from the recorded ones.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import msgspec

RECIPES: Mapping[str, str] = {
    "1000Genome": "GenomeRecipe",
    "BLAST": "BlastRecipe",
    "BWA": "BwaRecipe",
    "Cycles": "CyclesRecipe",
    "Epigenomics": "EpigenomicsRecipe",
    "Montage": "MontageRecipe",
    "Seismology": "SeismologyRecipe",
    "SoyKB": "SoykbRecipe",
    "SRASearch": "SrasearchRecipe",
}
"""By the name that scientists use. WfCommons' recipe for RNA-seq is left out: its graphs have no edges."""


class TaskGraph(msgspec.Struct, frozen=True):
    """Tasks in a runnable order: seconds that each takes, and those that each waits for."""

    name: str
    seconds: Mapping[str, float]
    needs: Mapping[str, Sequence[str]]

    @property
    def work(self) -> float:
        """Seconds that all tasks take together."""
        return sum(self.seconds.values())

    @property
    def edges(self) -> int:
        return sum(map(len, self.needs.values()))

    def critical_path(self) -> float:
        """Seconds of the longest way through the graph: no run can take less, however much runs at once."""
        ends: dict[str, float] = {}
        for task, needed in self.needs.items():
            ends[task] = max((ends[other] for other in needed), default=0.0) + self.seconds[task]
        return max(ends.values())

    def scaled(self, critical_path: float) -> TaskGraph:
        """The same graph with all times scaled alike, so that its critical path takes so many seconds."""
        factor = critical_path / self.critical_path()
        return TaskGraph(self.name, {task: taken * factor for task, taken in self.seconds.items()}, self.needs)


def generate(name: str, tasks: int, seed: int) -> TaskGraph | None:
    """About so many tasks of a recipe; `None` if the recipe's smallest graph is bigger than that."""
    wfcommons: Any = importlib.import_module("wfcommons")
    recipes: Any = importlib.import_module("wfcommons.wfchef.recipes")
    random.seed(seed)
    importlib.import_module("numpy").random.seed(seed)
    try:
        made = wfcommons.WorkflowGenerator(getattr(recipes, RECIPES[name]).from_num_tasks(tasks)).build_workflow()
    except ValueError:
        return None
    return in_order(name, {task: float(made.tasks[task].runtime) for task in made.tasks}, list(made.edges))


def in_order(name: str, seconds: Mapping[str, float], edges: Sequence[tuple[str, str]]) -> TaskGraph:
    needs: dict[str, list[str]] = {task: [] for task in seconds}
    for before, after in edges:
        needs[after].append(before)
    order = list(TopologicalSorter(needs).static_order())
    return TaskGraph(name, {task: seconds[task] for task in order}, {task: needs[task] for task in order})
