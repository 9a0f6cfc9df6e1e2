"""Did it happen? One predicate a manoeuvre, from the trajectories alone.

```
        │ ego's way, continued along the lane
        │   ┌──┐
        │   │  │  across: metres to the left of the ego's way
        │   └──┘  along:  metres ahead of the ego on it
        ▲ ego
```
An event counts only if it happens within SIGHT_M of the ego, inside the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from datagen.scene.plan import Manoeuvre
from datagen.traffic.events import company, on_foot, place, speed
from datagen.traffic.events.view import SIGHT_M, near_ego
from datagen.traffic.tracks import Tracks

__all__ = ["CHECKS", "SIGHT_M", "happens", "undone", "unseen"]

Check = Callable[[Tracks, int, Manoeuvre], bool]

CHECKS: Mapping[str, Check] = {
    "keep_lane": speed.keeps_lane,
    "constant_speed": speed.keeps_speed,
    "accelerate": speed.accelerates,
    "brake": speed.brakes,
    "emergency_stop": speed.stops_hard,
    "stop_and_go": speed.stops_and_goes,
    "wait": speed.waits,
    "reverse": speed.reverses,
    "lane_change": place.changes_lane,
    "cut_in": place.cuts_in,
    "cut_out": place.cuts_out,
    "merge": place.merges,
    "overtake": place.overtakes,
    "swerve": place.swerves,
    "filter": place.filters,
    "turn": place.turns,
    "u_turn": place.turns_round,
    "oncoming": place.comes_towards,
    "pull_over": place.pulls_over,
    "pull_out": place.pulls_out,
    "park": place.parks,
    "parked": place.is_parked,
    "follow": company.follows,
    "tailgate": company.tailgates,
    "yield": company.yields,
    "cross": on_foot.crosses,
    "jaywalk": on_foot.crosses,
    "run_out": on_foot.runs_out,
    "walk": on_foot.walks,
    "walk_in_group": on_foot.walks_in_group,
}
"""The predicate of every manoeuvre."""


def happens(tracks: Tracks, name: str, *, act: Manoeuvre) -> bool:
    """Say whether a body does something where the ego can see it."""
    return undone(tracks, name, act=act) is None and unseen(tracks, name) is None


def undone(tracks: Tracks, name: str, *, act: Manoeuvre) -> str | None:
    """Return why a manoeuvre of a body does not count as done, or None if it was done."""
    if name not in tracks.ids:
        return f"{name} is never there"
    body = tracks.column(name)
    if tracks.present[:, body].sum() < 5:
        return f"{name} is never there"
    return None if CHECKS[act.do](tracks, body, act) else f"{name} does not {act.do.replace('_', ' ')}"


def unseen(tracks: Tracks, name: str) -> str | None:
    """Return that a body is never near enough to the ego to be seen, or None if it is."""
    if name in tracks.ids and near_ego(tracks, tracks.column(name)).any():
        return None
    return f"{name} is never in sight of the ego"
