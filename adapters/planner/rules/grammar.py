"""Tokens to a plan: who does what, read from left to right.

```
  night , rain , a white van  cuts in  from the left , then  brakes hard
                 └── who ───┘ └─ do ─┘ └── side ───┘         └do┘ └hard
                  subject ◀──────────────────────────────────────┘
```
Words before a noun describe it, words after a verb refine it; a verb without a noun belongs to the last subject,
or to the ego where nobody was named or the verb stands bare ("turn left"). What finds no place is left out, and
said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from adapters.planner.rules import acting, describing, joining, naming
from adapters.planner.rules.reading import MOST_ACTORS, MOST_ACTS, Act, Reading
from adapters.planner.rules.settling import actor, crawl_along, endanger, manoeuvre, settle, share
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Group
from datagen.scene.plan import Plan

_AHEAD = 5
"""How many tokens a word may look ahead."""
_READERS: dict[str, Callable[[Reading, Token, list[Token]], None]] = {
    "color": describing.read_color,
    "count": describing.read_count,
    "side": describing.read_side,
    "where": describing.read_where,
    "gap": describing.read_gap,
    "near": describing.read_near,
    "clear": describing.read_clear,
    "speed": describing.read_speed,
    "time": describing.read_time,
    "pace": describing.read_pace,
    "hard": describing.read_hard,
    "who": naming.read_who,
    "ego": naming.read_ego,
    "it": naming.read_it,
    "do": acting.read_do,
    "way": acting.read_way,
    "same": naming.read_same,
    "there": naming.read_there,
    "danger": joining.read_danger,
    "the": joining.read_the,
    "beside": joining.read_beside,
    "join": joining.read_join,
    "stop": joining.read_stop,
    "not": joining.read_not,
    "fill": joining.read_fill,
    "beyond": joining.read_beyond,
    "unknown": joining.read_unknown,
}
"""What a kind of token does to the reading; those about the scene go to the scene reader."""


def plan_of(tokens: list[Token], *, left_out: Iterable[str] = ()) -> Plan:
    """Return the plan of a text's tokens; it validates whatever they are. `left_out` was lost before."""
    r = Reading()
    for at, token in enumerate(tokens):
        coming = tokens[at + 1 : at + 1 + _AHEAD]
        if r.denied and joining.names_a_thing(token, r.before):
            r.denied = False
        elif r.denied and token.kind not in ("stop", "fill", "the"):
            joining.deny(r, token, coming)
        elif not r.scene.read(token, coming):
            _READERS[token.kind](r, token, coming)
        r.before = token
    joining.finish_clause(r)
    for words in left_out:
        r.scene.leave_out(words)
    return _plan(r)


def _plan(r: Reading) -> Plan:
    if not r.actors and not r.ego.acts and "junction" in r.scene.road and r.turned is not None:
        r.ego.acts.append(Act(do="turn", side=r.turned))  # "left at the crossroads, please"
    for who in r.actors:  # "peds, zebra"
        if not who.acts and "crossing" in r.scene.road and who.category.group is Group.PERSON:
            who.acts.append(Act(do="cross"))
    if any(act.do == "yield" for who in (r.ego, *r.actors) for act in who.acts):  # somebody it is done for
        for who in r.actors:
            if not who.acts and who.category.group is Group.PERSON:
                who.acts.append(Act(do="cross"))
    share(r)
    crawl_along(r)
    if r.danger:
        endanger(r)
    for who in r.actors:
        settle(who)
    for who in r.actors[MOST_ACTORS:]:
        r.scene.leave_out(f"another {who.category}")
    if len(r.ego.acts) > 1:  # "we stay behind a bus and then …" is no more than being there
        r.ego.acts = [act for act in r.ego.acts if act.do != "keep_lane" or act.speed_mps is not None] or r.ego.acts
    turn = next((act for act in r.ego.acts if act.do == "turn"), None)
    for who in r.actors:  # "we turn left behind a bus"
        if (
            turn is not None
            and len(r.ego.acts) == 1
            and who.where == "ahead"
            and [act.do for act in who.acts] == ["keep_lane"]
        ):
            who.acts = [Act(do="turn", side=turn.side)]
    overtaking = [act for act in r.ego.acts if act.do == "overtake"]
    if overtaking:  # changing lanes is part of it
        sides = [act.side for act in r.ego.acts if act.do == "lane_change"]
        overtaking[0].side = overtaking[0].side or next(iter(sides), None)
        r.ego.acts = [act for act in r.ego.acts if act.do not in ("lane_change", "pull_out")]
    return Plan(
        ambience=r.scene.ambience(),
        road=r.scene.wished_road(),
        density=r.scene.density or "normal",
        absent=r.scene.nobody(),
        ego=tuple(map(manoeuvre, r.ego.acts[:MOST_ACTS])),
        actors=tuple(map(actor, r.actors[:MOST_ACTORS])),
        left_out=tuple(r.scene.left_out),
    )
