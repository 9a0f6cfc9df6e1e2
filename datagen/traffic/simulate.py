"""A plan becomes a scene: place the ego, cast who acts, fill in the rest, drive, and judge what came of it.

```
  plan ─▶ setting ─▶ event roles ─▶ background ─▶ drive ─▶ scene ─▶ gates ─▶ kept
             ▲                                                        │ reason
             └──────────────── drawn again, at most `redraws` times ◀─┘
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datagen.ports import Dropped
from datagen.scene import (
    EGO_SIZE_LWH_M,
    Actor,
    Ambience,
    Category,
    HDMap,
    Look,
    Prompt,
    Scene,
    Trajectory,
)
from datagen.scene.mirror import as_on, right_handed
from datagen.scene.plan import Manoeuvre, Plan, PlanActor
from datagen.traffic import rules
from datagen.traffic.background import background
from datagen.traffic.cast import cast
from datagen.traffic.cast.ego import cast_ego
from datagen.traffic.completed import completed
from datagen.traffic.driven import actor_of, driven, upright
from datagen.traffic.events import undone, unseen
from datagen.traffic.gaps import in_the_gaps, waiting
from datagen.traffic.junction import held_at_lines
from datagen.traffic.limits import drives
from datagen.traffic.manoeuvres import LEAST_S
from datagen.traffic.mobil import changing_lanes
from datagen.traffic.motion import Driver, Motion, Walkers, drive
from datagen.traffic.needs import all_acts
from datagen.traffic.people import making_way
from datagen.traffic.role import Body, Role
from datagen.traffic.route import Network
from datagen.traffic.script import STEP_S, WARM_UP_S
from datagen.traffic.setting import Setting, choose_setting
from datagen.traffic.tracks import Tracks

DENSITIES = {"empty": 0.0, "light": 0.4, "normal": 1.0, "heavy": 1.8}
"""How a plan's word scales the density of a recipe."""


def simulate(
    plan: Plan,
    *,
    prompt: Prompt,
    road: HDMap,
    density: float,
    redraws: int,
    rng: np.random.Generator,
) -> Scene | Dropped:
    """Return a scene in which the plan happens, on the lanes of `road`; or the reason why there is none.

    density: of background traffic, 1 is ordinary.  redraws: how often a scene that fails its gates is drawn again.
    Where the road's lanes say that one drives on the left, all of it happens in a mirror.
    """
    wish, seen = right_handed(plan, road)
    scene = _simulated(wish, prompt=prompt, road=seen, density=density, redraws=redraws, rng=rng)
    return scene if isinstance(scene, Dropped) else as_on(road, scene)


def _simulated(
    plan: Plan, *, prompt: Prompt, road: HDMap, density: float, redraws: int, rng: np.random.Generator
) -> Scene | Dropped:
    short = too_short(plan, duration_s=prompt.duration_s)
    if short is not None:
        return Dropped(reason=short)
    network, reason = Network(road), "there was no attempt"
    for _ in range(redraws + 1):
        draw = compose(plan, prompt=prompt, network=network, density=density, rng=rng)
        if isinstance(draw, Dropped):
            reason = draw.reason
            continue
        scene, event = draw
        verdict = gate(scene, event, network=network, duration_s=prompt.duration_s)
        if not verdict:
            return scene
        reason = "; ".join(verdict[:3])
    return Dropped(reason=f"after {redraws + 1} attempts: {reason}")


def too_short(plan: Plan, *, duration_s: float) -> str | None:
    """Return which manoeuvre a clip is too short for, as a reason, or None."""
    acts = [*plan.ego, *(act for _, act in all_acts(plan))]
    for act in acts:
        if duration_s < LEAST_S.get(act.do, 0.0):
            return f"a clip of {duration_s:g} s is too short for {act.do}; it needs {LEAST_S[act.do]:g} s"
    return None


def compose(
    plan: Plan, *, prompt: Prompt, network: Network, density: float, rng: np.random.Generator
) -> tuple[Scene, Sequence[Role]] | Dropped:
    """Return one draw of a scene, and the roles whose acts are to be checked.

    Actor `k` of the plan becomes `actor-k-0`, `actor-k-1` … in the scene; whom the plan takes for granted, `implied-…`.
    """
    implied = len(completed(plan).actors) - len(plan.actors)
    plan = completed(plan)
    setting = choose_setting(plan, network, duration_s=prompt.duration_s, rng=rng)
    if setting is None:
        return Dropped(reason="the road has no place where the plan could happen")
    ego_body = Body(id="ego", category=Category.CAR, size_lwh_m=EGO_SIZE_LWH_M, look=Look())
    event = [cast_ego(setting, ego_body)]
    for number, actor in sorted(enumerate(plan.actors), key=lambda pair: _comes_late(pair[1])):
        for order in range(actor.count):
            name = f"actor-{number - implied}" if number >= implied else f"implied-{number}"
            role = cast(actor, f"{name}-{order}", setting=setting, others=event, order=order, rng=rng)
            if role is not None:
                event.append(role)
            elif order == 0:
                what = actor.manoeuvres[0].do if actor.manoeuvres else "be there"
                return Dropped(reason=f"the road has no place for a {actor.category} to {what.replace('_', ' ')}")
    event = _spread(event)
    everybody = list(background(setting, event, density=density * DENSITIES[plan.density], rng=rng))
    others = changing_lanes(setting, event, everybody, rng=rng)
    roles = held_at_lines(setting, _making_way([*event, *others]))
    return _scene(setting, roles, prompt=prompt), event


def _comes_late(actor: PlanActor) -> bool:
    """Whoever runs out from behind somebody is placed when that one has his place."""
    return any(act.do == "run_out" for act in actor.manoeuvres)


def _checked(role: Role) -> list[Manoeuvre]:
    """Return what must have happened: not what is taken for granted, and no steadiness that something else ends."""
    if role.body.id.startswith("implied"):
        return []
    if not role.body.id.endswith("-0") and any(act.do in _IN_TURN for act in role.acts):
        return []
    telling = [act for act in role.acts if act.do not in ("keep_lane", "constant_speed")]
    return telling or list(role.acts)


_IN_TURN = ("turn", "u_turn", "yield")
"""What several alike do one after the other at one place: the clip may end before the last of them gets there."""


def gate(scene: Scene, event: Sequence[Role], *, network: Network, duration_s: float) -> list[str]:
    """Return every reason why a scene may not be kept, none if it may."""
    tracks = Tracks.of(scene, duration_s=duration_s, network=network)
    reasons = [why for role in event for act in _checked(role) if (why := _missed(tracks, role, act))]
    reasons += [f"{a} and {b} overlap" for a, b in rules.overlaps(tracks)]
    reasons += [f"{name} {what}" for name, what in rules.infeasible(tracks)]
    reasons += [f"{name} leaves the road" for name in rules.off_road(tracks, network.surface)]
    reasons += [f"{name} goes the wrong way" for name in rules.wrong_way(tracks, scene.hdmap)]
    expected = min(1, len(scene.actors))
    if rules.visible_actors(tracks) < expected:
        reasons.append("nobody is near enough to be seen")
    return reasons


def _missed(tracks: Tracks, role: Role, act: Manoeuvre) -> str | None:
    """Return why something was not done or not seen; the last of several alike in a row need not be near the ego."""
    name = role.body.id
    return undone(_while(tracks, role, act), name, act=act) or (unseen(tracks, name) if name.endswith("-0") else None)


def _while(tracks: Tracks, role: Role, act: Manoeuvre) -> Tracks:
    """Return the tracks up to where somebody does something that ends what is to be judged: a turn, overtaking."""
    place = next(k for k, one in enumerate(role.acts) if one is act)
    onward = {one.do for one in role.acts[place + 1 :]}
    if "turn" in onward:
        return tracks.until_turned(role.body.id)
    if act.do in ("follow", "tailgate") and "overtake" in onward:
        return tracks.until(round(_FIRST_SHARE * len(tracks.present)))
    return tracks


_FIRST_SHARE = 0.3
"""Who keeps behind the ego and then overtakes it is behind it for this share of the clip, and more."""


def _spread(event: list[Role]) -> list[Role]:
    """Move drivers who would start inside each other further ahead (or behind, if they are behind the ego)."""
    kept: list[Role] = [event[0]]
    for role in event[1:]:
        driver = role.driver
        if driver is None:
            kept.append(role)
            continue
        onward = 2.0 if _ahead_of(driver, event[0]) else -2.0
        for _ in range(40):
            if all(other.driver is None or _apart(driver, other.driver) for other in kept):
                break
            driver = replace(driver, s_m=driver.s_m + onward)
        kept.append(replace(role, driver=driver))
    return kept


def _ahead_of(driver: Driver, ego: Role) -> bool:
    assert ego.driver is not None
    here = driver.route.line.at(driver.s_m)[0]
    return float(ego.driver.route.line.project(here)[0][0]) >= ego.driver.s_m


def _apart(one: Driver, other: Driver) -> bool:
    there = other.route.line.at(other.s_m, other.d_m)[0]
    along, across = one.route.line.project(there)
    room = (one.size_lwh_m[0] + other.size_lwh_m[0]) / 2 + 3.0
    return bool(abs(along[0] - one.s_m) > room or abs(across[0] - one.d_m) > 2.4)


def _making_way(roles: Sequence[Role]) -> list[Role]:
    """Let everybody on foot make way for the others on foot."""
    on_foot = [k for k, role in enumerate(roles) if role.walk is not None and not drives(role.body.category)]
    walks = [walk for k in on_foot if (walk := roles[k].walk) is not None]
    radius = [min(role.body.size_lwh_m[:2]) / 2 for role in (roles[k] for k in on_foot)]
    made = list(roles)
    for k, walk in zip(on_foot, making_way(walks, radius, step_s=STEP_S)):
        made[k] = replace(made[k], walk=walk)
    return made


def _scene(setting: Setting, roles: Sequence[Role], *, prompt: Prompt) -> Scene:
    """Drive everybody and return the scene."""
    drivers = [role for role in roles if role.driver is not None]
    motion = _motion(roles, setting)
    if waiting(roles):
        roles = in_the_gaps(roles, motion, duration_s=setting.duration_s)
        motion = _motion(roles, setting)
    first = round(WARM_UP_S / STEP_S)
    times = prompt.start_us + np.round(setting.times_s[first:] * 1e6).astype(np.int64)
    actors = []
    ego: Trajectory | None = None
    for column, role in enumerate(drivers):
        trajectory = driven(role, motion, column, times=times)
        if role.body.id == "ego":
            ego = trajectory
        elif trajectory is not None:
            actors.append(actor_of(role, trajectory))
    for role in roles:
        if role.walk is not None:
            xyz = upright(role.walk.xy_m[first:], role.body.size_lwh_m[2] / 2)
            actors.append(actor_of(role, Trajectory.from_xyz_yaw(times, xyz, yaw_rad=role.walk.yaw_rad[first:])))
    assert ego is not None
    ambience = setting.plan.ambience
    return Scene(
        ego=ego,
        actors=tuple(actors),
        hdmap=setting.hdmap,
        ambience=Ambience(weather=ambience.weather, light=ambience.light, place=ambience.place, text=prompt.text[:500]),
        description=prompt.text[:500],
        provenance={"source": "prompt", "actors": _tally(actors)},
    )


def _motion(roles: Sequence[Role], setting: Setting) -> Motion:
    drivers = [role.driver for role in roles if role.driver is not None]
    return drive(drivers, _walkers(roles, setting), steps=len(setting.times_s))


def _walkers(roles: Sequence[Role], setting: Setting) -> Walkers:
    """Return those on foot whom vehicles must look out for."""
    walks = [role for role in roles if role.walk is not None and role.in_the_way]
    steps = len(setting.times_s)
    if not walks:
        return Walkers(xy_m=np.empty((steps, 0, 2)), velocity_mps=np.empty((steps, 0, 2)), radius_m=np.empty(0))
    return Walkers(
        xy_m=np.stack([role.walk.xy_m for role in walks if role.walk], axis=1),
        velocity_mps=np.stack([role.walk.velocity_mps for role in walks if role.walk], axis=1),
        radius_m=np.array([max(role.body.size_lwh_m[:2]) / 2 for role in walks]),
    )


def _tally(actors: Sequence[Actor]) -> str:
    count = Counter(str(actor.category) for actor in actors)
    return ", ".join(f"{number} {name}" for name, number in sorted(count.items()))
