"""`python -m benchmarks NAME [--json] [--quick]`: a table, or one JSON object a line. `all` runs every benchmark."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterable

import msgspec

import benchmarks
from benchmarks.harness import Figure, Options, pin_to_one_core
from benchmarks.targets import judged

NOT_BENCHMARKS = frozenset({
    "__main__", "harness", "raw", "graphs", "targets", "bare_inserts", "yardsticks", "servers", "durable", "dbos_runs",
    "left_runs", "archive",
})  # fmt: skip


def names() -> list[str]:
    return sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in NOT_BENCHMARKS
    )


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*names(), "all"])
    parser.add_argument("--json", action="store_true", help="one object per line instead of a table")
    parser.add_argument("--quick", action="store_true", help="smaller sizes: a smoke test, not a figure to quote")
    return parser.parse_args(arguments)


def as_row(figure: Figure) -> str:
    ratio = "" if figure.ratio_to_raw is None else f"{figure.ratio_to_raw:.2f}×"
    return f"{figure.workload:<32} {figure.variant:<20} {figure.value:>12,.2f} {figure.unit:<9} {ratio:>8}  {judged(figure)}".rstrip()


def show_table(name: str, results: Iterable[Figure]) -> None:
    print(f"\n{name}\n{'workload':<32} {'variant':<20} {'median':>12} {'unit':<9} {'to raw':>8}  target")
    print("─" * 100)
    last = ""
    for figure in results:
        if last and figure.workload != last:
            print()
        last = figure.workload
        print(as_row(figure), flush=True)


def show_json(results: Iterable[Figure]) -> None:
    for figure in results:
        print(msgspec.json.encode(figure).decode(), flush=True)


def main(arguments: list[str]) -> None:
    asked = parse(arguments)
    pin_to_one_core()
    options = Options(quick=asked.quick)
    for name in names() if asked.name == "all" else [asked.name]:
        results = importlib.import_module(f"benchmarks.{name}").run(options)
        if asked.json:
            show_json(results)
        else:
            show_table(name, results)


if __name__ == "__main__":
    main(sys.argv[1:])
