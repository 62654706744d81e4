"""Plans for people: as text, as Mermaid and as DOT, letter by letter."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

from typing import Any

import pytest

from actorflow.plan import Around, Body, Call, Choose, DraftNode, Each, InputValue, NodeValue, Plan, Repeat
from actorflow.plan.colours import COLOURS
from actorflow.policy import Limit, Rate, Retry
from actorflow.workflow import Value, WorkflowBuilder, step, transform, workflow
from tests.plan.drawings import a_loop, body, made, node, nothing, scope
from tests.plan.languages import read_dot, read_mermaid


@step
async def reserve(city: str) -> str:
    """Asks the airline for a seat.

    It holds it for ten minutes.
    """
    return city


@reserve.undo
async def release(seat: str) -> None: ...


@step(
    limit=Limit("gateway", at_most=4, rate=Rate(5, per=1.0)),
    timeout=10,
    retry=Retry(attempts=4, on=(ConnectionError,)),
)
async def charge(seat: str, nights: int) -> int: ...


@charge.compensate
async def settle(error: Exception, seat: str, nights: int) -> None: ...


@step(irreversible=True)
def post(value: int) -> None: ...


@workflow
def book(city: str, nights: int = 2) -> int:
    return charge(reserve(city), nights)


@workflow
def travel(city: str) -> int:
    paid = book(city)
    post.options(after=[paid], name="letter")(transform(paid, lambda amount: amount + 1))
    return paid


def test_text_has_a_line_per_node_by_level() -> None:
    assert travel.compile().text() == (
        "travel(city: str) -> int\n"
        "4 steps in 4 levels\n"
        "  1  book.reserve  ↩ release\n"
        "  2  book.charge   ← book.reserve · limit gateway (at most 4, 5 per 1 s) · 4 attempts on ConnectionError"
        " · timeout 10 s · ✚ settle\n"
        "  3  transform     ← book.charge · inline\n"
        "  4  letter        ← transform · after book.charge · runs post · thread · ⚠ irreversible"
    )


def test_mermaid_has_subgraphs_marks_and_dotted_arrows() -> None:
    assert travel.compile().mermaid() == (
        "flowchart TD\n"
        '    subgraph g0["book"]\n'
        '        n0["reserve<br/>↩ release"]:::undoable\n'
        '        n1["charge<br/>✚ settle"]\n'
        "    end\n"
        '    n2["transform"]:::inline\n'
        '    n3["letter<br/>⚠ irreversible"]:::irreversible\n'
        "    n0 --> n1\n"
        "    n1 --> n2\n"
        "    n2 --> n3\n"
        "    n1 -.-> n3\n"
        "    classDef undoable stroke:#2f7d4f,stroke-width:2px\n"
        "    classDef irreversible stroke:#b3372f,stroke-width:2px,stroke-dasharray:5 3\n"
        "    classDef inline fill:#f4f4f4,stroke:#999999,color:#333333\n"
    )


def test_nested_subgraphs_are_closed_and_names_escaped() -> None:
    @workflow(name='the "inner" <one>')
    def inner() -> None:
        book("x")

    @workflow
    def outer() -> None:
        inner()
        inner()

    text = outer.compile().mermaid()
    assert text.count("subgraph") == text.count("    end\n") == 4
    assert 'the #34;inner#34; #60;one#62;"' in text


def test_an_empty_plan_is_shown_too() -> None:
    plan: Plan = WorkflowBuilder("nothing").build().compile()
    assert plan.text() == "nothing() -> None\n0 steps in 0 levels"
    assert plan.mermaid() == "flowchart TD\n"
    assert read_dot(plan.dot()).boxes == {}


def test_a_wide_node_names_a_few_and_counts_the_rest() -> None:
    @step
    async def join(*parts: str) -> None: ...

    builder = WorkflowBuilder("wide")
    for i in range(1000):
        builder.add_step(f"n{i}", reserve, arguments={"city": Value("x")})
    builder.add_step("join", join, arguments={"parts": [f"n{i}" for i in range(1000)]})
    plan = builder.build().compile()
    assert plan.text(most=1_001).splitlines()[-1] == "  2  join  ← n0, n1, n2, n3 and 996 more"


# ── options ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_dot_has_clusters_dashed_arrows_and_colours() -> None:
    assert travel.compile().dot().splitlines()[5:] == [
        "    rankdir=TB",
        "    subgraph cluster_g0 {",
        '        label="book"',
        '        n0 [label="reserve\\n↩ release", color="#2f7d4f", penwidth=2]',
        '        n1 [label="charge\\n✚ settle"]',
        "    }",
        '    n2 [label="transform", fillcolor="#f4f4f4", color="#999999", fontcolor="#333333"]',
        '    n3 [label="letter\\n⚠ irreversible", color="#b3372f", penwidth=2, style="rounded,filled,dashed"]',
        "    n0 -> n1",
        "    n1 -> n2",
        "    n2 -> n3",
        "    n1 -> n3 [style=dashed]",
        "}",
    ]


def test_folded_a_composed_workflow_is_one_box_with_a_count() -> None:
    plan = travel.compile()
    assert plan.mermaid(expand=False).splitlines()[1:4] == [
        '    g0[["book<br/>2 steps"]]',
        '    n2["transform"]:::inline',
        '    n3["letter<br/>⚠ irreversible"]:::irreversible',
    ]
    assert plan.text(expand=False).splitlines()[1:] == [
        "4 steps in 4 levels",
        "  1  book       2 steps",
        "  3  transform  ← book · inline",
        "  4  letter     ← transform · after book · runs post · thread · ⚠ irreversible",
    ]


def test_direction_is_that_of_the_drawing_and_text_goes_sideways_by_level() -> None:
    plan = travel.compile()
    assert read_mermaid(plan.mermaid(direction="LR")).direction == "LR"
    assert read_dot(plan.dot(direction="LR")).direction == "LR"
    assert plan.text(direction="LR").splitlines()[2:] == [
        "  1  book.reserve",
        "  2  book.charge",
        "  3  transform",
        "  4  letter",
    ]


def test_descriptions_are_the_first_lines_of_docstrings() -> None:
    plan = travel.compile()
    wanted = "Asks the airline for a seat."
    assert plan.text(descriptions=True).splitlines()[2] == f"  1  book.reserve  ↩ release · {wanted}"
    assert read_mermaid(plan.mermaid(descriptions=True)).boxes["n0"] == f"reserve\n{wanted}\n↩ release"
    assert read_dot(plan.dot(descriptions=True)).boxes["n0"] == f"reserve\n{wanted}\n↩ release"
    assert "ten minutes" not in plan.dot(descriptions=True)


def test_the_description_of_a_workflow_stands_under_its_head() -> None:
    """A long first line is cut."""

    @workflow(description="What it's for. " + "x" * 200 + "\nMore.")
    def tell() -> None:
        book("x")

    assert tell.compile().text(descriptions=True).splitlines()[1] == "What it's for. " + "x" * 84 + "…"


# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_scopes() -> Plan:
    """seat → each(charge → choose) → post, where charge and the branch for "vip" use the seat from outside."""
    gold = body(node("gold", InputValue(0)), inputs=1)
    choose = node(
        "choose",
        NodeValue(0),
        spec=scope("choose", Choose({"vip": 0}, 1)),
        bodies=(Body("vip", gold, takes=(0,)), Body("default", body())),
        captures=(InputValue(1),),
    )
    items = body(node("charge", InputValue(0), InputValue(1)), choose, inputs=2)
    each = node(
        "legs",
        InputValue(0),
        spec=scope("each", Each(10, ordered=False, key=str, collects=True)),
        bodies=(Body("*", items, 1, (0,)),),
        captures=(NodeValue(0),),
    )
    return made(node("seat", InputValue(0)), each, node("post", NodeValue(1)), name="trip")


def test_text_has_bodies_further_in_with_levels_of_their_own() -> None:
    assert with_scopes().text().splitlines()[1:] == [
        "4 steps in 2 levels",
        "  1  seat",
        "  1  legs  each · 10 at once · in any order · named by str · collects failures",
        "       1  charge  ← seat",
        "       2  choose  ← charge",
        "            vip:",
        "              1  gold  ← seat",
        "            default: nothing to run",
        "  2  post  ← legs",
    ]
    assert with_scopes().text(expand=False).splitlines()[2:] == [
        "  1  seat",
        "  1  legs  each · 10 at once · in any order · named by str · collects failures · 2 steps · ← seat",
        "  2  post  ← legs",
    ]


def test_mermaid_has_subgraphs_of_bodies_and_arrows_into_them() -> None:
    assert with_scopes().mermaid() == (
        "flowchart TD\n"
        '    n0["seat"]\n'
        '    subgraph n1["legs · each · 10 at once · in any order · named by str · collects failures"]\n'
        '        n1b0_n0["charge"]\n'
        '        subgraph n1b0_n1["choose"]\n'
        '            subgraph n1b0_n1b0["vip"]\n'
        '                n1b0_n1b0_n0["gold"]\n'
        "            end\n"
        '            subgraph n1b0_n1b1["default"]\n'
        "            end\n"
        "        end\n"
        "    end\n"
        '    n2["post"]\n'
        "    n1 --> n2\n"
        "    n1b0_n0 --> n1b0_n1\n"
        "    n0 --> n1b0_n0\n"
        "    n0 --> n1b0_n1b0_n0\n"
    )


def test_an_arrow_of_a_cluster_in_dot_is_cut_at_its_border() -> None:
    """The empty branch has a point that isn't seen: there has to be something for arrows to go to."""
    lines = with_scopes().dot().splitlines()
    assert "                n1b0_n1b1 [shape=point, style=invis]" in lines
    assert lines[-5:] == [
        "    n1b0_n1b1 -> n2 [ltail=cluster_n1]",
        "    n1b0_n0 -> n1b0_n1b0_n0 [lhead=cluster_n1b0_n1]",
        "    n0 -> n1b0_n0",
        "    n0 -> n1b0_n1b0_n0",
        "}",
    ]


@pytest.mark.parametrize(
    ("name", "control", "words"),
    [
        ("each", Each(100), "100 at once"),
        ("each", Each(5, batch_size=20), "5 at once · batches of 20"),
        ("group", Call(), ""),
        ("book", Call(), "workflow"),
        ("repeat", Repeat(nothing, None), "until nothing"),
        ("repeat", Repeat(None, 1, fails=True), "at most 1 pass · else fails"),
        ("around", Around(nothing), "in nothing"),
        ("choose", Choose({}), ""),
    ],
)
def test_scopes_say_what_they_do(name: str, control: Any, words: str) -> None:
    plan = made(DraftNode(name, scope(name, control), (), bodies=(Body("", body(node("s"))),)))
    assert plan.text().splitlines()[2] == f"  1  {name}  {words}".rstrip()


def test_a_workflow_inside_itself_is_named_again() -> None:
    assert a_loop().text().splitlines()[1:] == [
        "1 step in 2 levels",
        "  1  try",
        "  2  again  repeat · at most 3 passes · ← try",
        "       1  loop  again, as above",
    ]


def test_a_workflow_inside_itself_may_be_compiled_anew_each_time() -> None:
    """As it is where nothing is to be undone."""

    def anew() -> Plan:
        spec = scope("repeat", Repeat(None, 2))
        return made(node("try"), node("again", NodeValue(0), spec=spec, bodies=(Body("*", None, 1, (), anew),)))

    plan = anew()
    assert plan.text().count("again, as above") == 1
    assert len(plan.describe().nodes) == 2


# ── the colours of a run ──────────────────────────────────────────────────────────────────────────────────────────────

RUN = {
    "seat": "completed",
    "legs": "running",
    "legs[0].charge": "completed",
    "legs[a.b].charge": "running",
    "legs[0].choose": "completed",
    "legs[0].choose[vip].gold": "skipped",
}


def test_boxes_have_the_classes_of_their_statuses() -> None:
    """The items of an each are one box: it has the status that matters most; what nothing is told of is pending."""
    graph = read_mermaid(with_scopes().mermaid(status=RUN))
    assert graph.classes == {
        "n0": "completed",
        "n1": "running",
        "n1b0_n0": "running",
        "n1b0_n1": "completed",
        "n1b0_n1b0_n0": "skipped",
        "n2": "pending",
    }
    fills = read_dot(with_scopes().dot(status=RUN)).classes
    assert {id: fills[id].strip('"') for id in graph.classes} == {
        id: COLOURS[status].fill for id, status in graph.classes.items()
    }
    assert fills["n1b0_n1b0"] == '"#ffffff"', "what has no status doesn't take that of what it's in"


def test_text_says_the_statuses_first() -> None:
    lines = with_scopes().text(status=RUN).splitlines()
    assert lines[2:5] == [
        "  1  seat  completed",
        "  1  legs  running · each · 10 at once · in any order · named by str · collects failures",
        "       1  charge  running · ← seat",
    ]
    assert with_scopes().text(status=RUN, direction="LR").splitlines()[2] == "  1  seat completed · legs running"


def test_a_folded_box_has_the_status_that_matters_most_in_it() -> None:
    plan = with_scopes()
    failed = {**RUN, "legs[1].charge": "undo_failed"}
    assert read_mermaid(plan.mermaid(status=failed, expand=False)).classes["n1"] == "undo_failed"
    half_done = {"book.reserve": "completed"}
    assert read_mermaid(travel.compile().mermaid(status=half_done, expand=False)).classes["g0"] == "running"
    done = {**half_done, "book.charge": "completed"}
    assert read_mermaid(travel.compile().mermaid(status=done, expand=False)).classes["g0"] == "completed"
    assert read_mermaid(travel.compile().mermaid(status={}, expand=False)).classes["g0"] == "pending"


def test_what_a_step_added_to_its_run_colours_the_step() -> None:
    """Emitted steps and what replaced their emitter have no box of their own; names of no node at all colour nothing."""
    plan = made(node("fetch"), node("store"))
    assert read_mermaid(plan.mermaid(status={"fetch": "completed", "fetch.save": "failed"})).classes["n0"] == "failed"
    assert read_mermaid(plan.mermaid(status={"fetch": "completed", "fetch[2]": "running"})).classes["n0"] == "running"
    assert read_mermaid(plan.mermaid(status={"nobody": "failed", "": "failed"})).classes == {
        "n0": "pending",
        "n1": "pending",
    }


def test_the_words_of_the_engine_are_understood() -> None:
    plan = made(node("one"), node("two"))
    status = {"one": "waiting for permits", "two": "Set aside"}
    assert read_mermaid(plan.mermaid(status=status)).classes == {"n0": "waiting", "n1": "halted"}


@pytest.mark.parametrize("name", ["legs[0].charge[", "legs[", "legs]", "legs[0]].x", "legs[[]].charge"])
def test_names_with_odd_brackets_do_no_harm(name: str) -> None:
    read_mermaid(with_scopes().mermaid(status={name: "completed"}))
