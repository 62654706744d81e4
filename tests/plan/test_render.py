"""Plans for people: as text and as Mermaid."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

from actorflow.plan import Plan
from actorflow.policy import Limit, Rate, Retry
from actorflow.workflow import Value, WorkflowBuilder, step, transform, workflow


@step
async def reserve(city: str) -> str: ...


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
        '    n2["transform"]:::inline\n'
        '    n3["letter<br/>⚠ irreversible"]:::irreversible\n'
        '    subgraph g0["book"]\n'
        '        n0["reserve<br/>↩ release"]:::undoable\n'
        '        n1["charge<br/>✚ settle"]\n'
        "    end\n"
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


def test_a_wide_node_names_a_few_and_counts_the_rest() -> None:
    @step
    async def join(*parts: str) -> None: ...

    builder = WorkflowBuilder("wide")
    for i in range(1000):
        builder.add_step(f"n{i}", reserve, arguments={"city": Value("x")})
    builder.add_step("join", join, arguments={"parts": [f"n{i}" for i in range(1000)]})
    plan = builder.build().compile()
    assert plan.text().splitlines()[-1] == "  2  join  ← n0, n1, n2, n3 and 996 more"
