"""What a figure is made of: turns, a warm-up, medians, and ratios round by round."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from benchmarks.__main__ import as_row, show_json
from benchmarks.harness import Figure, Options, Repetition, figures, interleave, verify
from benchmarks.targets import judged


def scripted(name: str, costs: Iterator[float], order: list[str]) -> Repetition:
    async def repeat() -> float:
        order.append(name)
        return next(costs)

    return repeat


async def test_variants_take_turns_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []
    names = ("a", "b")
    costs = await interleave({name: scripted(name, iter([99.0, 1.0, 2.0]), order) for name in names}, rounds=2)
    assert "".join(order) == "abbaab"
    assert costs == {"a": [1.0, 2.0], "b": [1.0, 2.0]}


def test_ratios_are_taken_round_by_round() -> None:
    raw, ours = figures("b", "w", "µs", {"raw": [1.0, 2.0, 1.0], "ours": [2.0, 4.0, 9.0]})
    assert raw.ratio_to_raw == 1.0
    assert (ours.value, ours.ratio_to_raw) == (4.0, 2.0)


def test_without_raw_there_is_no_ratio() -> None:
    (only,) = figures("b", "w", "µs", {"ours": [2.0]})
    assert only.ratio_to_raw is None
    assert "×" not in as_row(only)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_json([Figure("overhead", "chain", "raw", 5.0, "µs/step", 1.0), Figure("hop", "async", "worst", 2.0, "ms")])
    first, second = map(msgspec.json.decode, capsys.readouterr().out.splitlines())
    assert list(first) == ["benchmark", "workload", "variant", "value", "unit", "ratio_to_raw"]
    assert second["ratio_to_raw"] is None


@pytest.mark.parametrize("quick", [True, False])
def test_there_are_never_less_than_five_rounds(quick: bool) -> None:
    assert Options(quick=quick).rounds >= 5


def test_work_that_was_not_done_stops_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="results: expected 1, got 2"):
        verify("results", 2, 1)


def test_a_figure_is_judged_by_its_target() -> None:
    assert judged(Figure("overhead", "fan", "inline-0", 9.0, "µs/step", 0.5)) == "≤ 0.70 ✓"
    assert judged(Figure("hop", "async", "worst", 21.0, "ms")) == "≤ 20.00 ✗"
    assert judged(Figure("overhead", "fan", "raw", 9.0, "µs/step", 1.0)) == ""
