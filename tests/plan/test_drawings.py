"""What every drawing of a plan has in common, in each of the languages: all is there once, nothing breaks out of its label."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.errors import InvalidValue
from actorflow.plan import Body, Choose, DraftNode, Each, InputValue, NodeValue, Plan
from tests.plan.drawings import Drawn, a_loop, body, drawn_plans, leaf, made, node, own, scope
from tests.plan.languages import Graph, read_dot, read_mermaid

READERS: dict[str, Callable[[str], Graph]] = {"mermaid": read_mermaid, "dot": read_dot}
LANGUAGES = sorted(READERS)


def drawn(plan: Plan, language: str, **look: Any) -> Graph:
    return READERS[language](getattr(plan, language)(**look))


def first_word(label: str) -> str:
    return re.split(r"[ \n]", label)[0]


# ── all is there, once ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=drawn_plans(), look=st.fixed_dictionaries({"direction": st.sampled_from(("TD", "LR"))}))
def test_each_node_and_each_arrow_is_drawn_once(language: str, shown: Drawn, look: dict[str, Any]) -> None:
    graph = drawn(shown.plan, language, **look)
    names = {id: first_word(label) for id, label in [*graph.boxes.items(), *graph.clusters.items()]}
    steps = [name for id, name in names.items() if id in graph.boxes]
    scopes = [name for id, name in names.items() if id in graph.clusters and name.startswith("s")]
    assert sorted(steps) == sorted(shown.steps)
    assert sorted(scopes) == sorted(shown.scopes)
    arrows = [((names[tail], names[head]), takes) for tail, head, takes in graph.arrows]
    assert len(arrows) == len(dict(arrows))
    assert dict(arrows) == shown.arrows


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=drawn_plans())
def test_text_has_each_node_once(shown: Drawn) -> None:
    rows = [line.split() for line in shown.plan.text().splitlines()[2:]]
    names = [own(row[1]) for row in rows if row[0].isdigit()]
    assert sorted(names) == sorted(shown.steps | shown.scopes)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=drawn_plans())
def test_folded_there_is_a_box_per_outer_name_and_all_steps_are_counted(language: str, shown: Drawn) -> None:
    graph = drawn(shown.plan, language, expand=False)
    assert not graph.clusters
    assert sorted(map(first_word, graph.boxes.values())) == sorted({name.split(".")[0] for name in shown.plan.names})
    counts = [re.search(r"(\d+) steps?$", label.split("\n")[-1]) for label in graph.boxes.values()]
    scopes = {name for name in shown.plan.names if "." not in name} & shown.scopes
    plain = [name for name in shown.plan.names if "." not in name and name not in scopes]
    assert sum(int(found[1]) for found in counts if found) + len(plain) == len(shown.steps)


# ── nothing breaks out ────────────────────────────────────────────────────────────────────────────────────────────────

AWKWARD = ["end", "graph", 'say "hi"', "a]b", "[x]", "{x}", "<b>bold</b>", "a|b", "&amp;", "x;y", "#35;", "%% no", "1. one",
           "- item", "`code`", "back\\slash", "\\N", "two\nlines", "Grüße 旅行", "a_b", "_a_", "__init__", "\x00", "\ud800", "é\u0301"]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=20))


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(name=TEXTS.filter(lambda name: name and "." not in name), docs=TEXTS, key=TEXTS)
def test_any_text_stays_in_its_label(language: str, name: str, docs: str, key: str) -> None:
    step = leaf(name, description=docs)
    inner = node(name, InputValue(0), spec=step)
    plan = made(
        node(name, spec=step),
        node(f"{name}.{name}", NodeValue(0), spec=step),
        DraftNode(
            f"{name}_", scope("choose", Choose({}, 0)), (NodeValue(1),), bodies=(Body(key, body(inner, inputs=1), 1),)
        ),
        name=name,
    )
    graph = drawn(plan, language, descriptions=True)
    assert len(graph.boxes) == 3
    assert len(graph.clusters) == (3 if key not in ("", "*") else 2)
    assert len(graph.arrows) == 2
    if name.isprintable():
        assert graph.boxes["n0"].partition("\n")[0] == name


@pytest.mark.parametrize("language", LANGUAGES)
def test_awkward_names_can_be_written_to_a_file(language: str) -> None:
    plan = made(*(node(name.replace(".", "")) for name in AWKWARD))
    drawn(plan, language)
    getattr(plan, language)().encode()


# ── folding, cutting, loops ───────────────────────────────────────────────────────────────────────────────────────────


def chain(count: int) -> Plan:
    step = leaf("s")
    nodes = (node(f"s{i}", *([NodeValue(i - 1)] if i else []), spec=step) for i in range(count))
    return made(*nodes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_too_much_is_cut_with_a_note(language: str) -> None:
    plan = chain(20_000)
    graph = drawn(plan, language)
    assert len(graph.boxes) == 1_001
    assert len(graph.arrows) == 999
    assert graph.boxes["more"] == "… 19,000 more steps aren't shown (most=1,000)"
    assert len(drawn(plan, language, most=5).boxes) == 6


def test_a_text_that_is_too_much_is_cut_with_a_note() -> None:
    lines = chain(5).text(most=4).splitlines()
    assert lines[1] == "5 steps in 5 levels"
    assert lines[-2:] == ["  4  s3  ← s2", "  … 1 more step isn't shown (most=4)"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_inside_of_scopes_count_when_it_is_cut(language: str) -> None:
    inner = body(*(node(f"i{i}", InputValue(0)) for i in range(10)), inputs=1)
    plan = made(
        DraftNode("all", scope("each", Each(5)), (InputValue(0),), bodies=(Body("*", inner, 1),)),
        node("b"),
    )
    assert "… 9 more steps aren't shown (most=3)" not in drawn(plan, language, most=20).boxes.values()
    assert drawn(plan, language, most=3).boxes["more"] == "… 9 more steps aren't shown (most=3)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workflow_inside_itself_is_drawn_once(language: str) -> None:
    graph = drawn(a_loop(), language)
    assert graph.boxes == {"n0": "try", "n1b0again": "↻ loop"}
    assert graph.clusters == {"n1": "again · repeat · at most 3 passes"}
    assert graph.within == {"n1b0again": "n1"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_folded_workflows_that_wait_for_each_other_are_drawn_too(language: str) -> None:
    """Their steps don't, so there are arrows both ways, and none from a box to itself."""
    plan = made(
        node("a.one"),
        node("b.one", NodeValue(0)),
        node("a.two", NodeValue(0), NodeValue(1)),
    )
    graph = drawn(plan, language, expand=False)
    assert sorted(graph.arrows) == [("g0", "g1", True), ("g1", "g0", True)]
    assert plan.text(expand=False).splitlines()[2:] == ["  1  a  2 steps · ← b", "  2  b  1 step · ← a"]


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ({"direction": "UP"}, "'UP'"),
        ({"most": 0}, "most=0"),
        ({"most": True}, "most=True"),
        ({"most": "all"}, "most='all'"),
        ({"status": {"s0": "complete"}}, "did you mean 'completed'"),
    ],
)
@pytest.mark.parametrize("language", [*LANGUAGES, "text"])
def test_options_that_cannot_be_are_refused(language: str, look: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        getattr(chain(1), language)(**look)
