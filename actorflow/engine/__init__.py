"""DECIDE: what a run does next. Pure: messages in, facts and orders out.

`decide(state, message, now)` is the one way in; `rules.py` is the table that says what each message means.
"""

from actorflow.engine.decide import decide, replay
from actorflow.engine.rules import RULES
from actorflow.engine.state import RunOptions, State

__all__ = ["RULES", "RunOptions", "State", "decide", "replay"]
