"""Draws every manoeuvre as the library drives it, and writes docs/manoeuvres.md from the docstrings of the code.

    python benchmarks/manoeuvres.py [--only cut_in]

A figure is a bird's-eye view of one clip of 8 s without other traffic: the ego in dark blue, whoever acts in red,
whoever it needs in grey, a box every second, paler the earlier.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from datagen.ports import Dropped
from datagen.roads.reference import reference_road
from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Category, HDMap, Prompt, Scene, Trajectory, box_corners_m
from datagen.scene.plan import EGO_DOES, Do, Manoeuvre, Plan, PlanActor, can_do
from datagen.traffic.cast.at_kerb import parked
from datagen.traffic.cast.oncoming import oncoming
from datagen.traffic.cast.turning import through_junction, turning, turning_round
from datagen.traffic.events import CHECKS
from datagen.traffic.manoeuvres import LEAST_S, LIBRARY
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate

DOCS = Path(__file__).parent.parent / "docs"
DURATION_S = 8.0
WHO = {
    "filter": Category.MOTORCYCLE, "jaywalk": Category.ADULT, "run_out": Category.CHILD, "walk": Category.ADULT,
    "walk_in_group": Category.ADULT, "cross": Category.ADULT, "merge": Category.TRUCK, "overtake": Category.MOTORCYCLE,
}  # fmt: skip
UNSCRIPTED = {
    "turn": turning.__doc__,
    "u_turn": turning_round.__doc__,
    "oncoming": oncoming.__doc__,
    "parked": parked.__doc__,
    "cross": f"On foot: over a crossing, in the ego's way at a time. In a vehicle: {through_junction.__doc__}",
    "jaywalk": "Walk straight over the road where there is no crossing, so that the ego can just stop.",
    "run_out": "Run straight over the road from behind the far end of whoever stands at the kerb, or in the lane.",
    "walk": "Walk along the road beside the kerb. speed_mps: the pace, else that of the category.",
    "walk_in_group": "The same, three or more at one pace, side by side in twos.",
    "keep_lane": "Drive on in one's lane, by IDM. speed_mps: 0 to 40 m/s, else about the ego's.",
    "follow": "Drive behind the ego (the ego: behind whoever is ahead) by IDM with a gap of 1.1 s. gap_m: 2 to 80 m.",
    "tailgate": "The same with a gap of 0.35 s, starting 3.5 m behind. gap_m: 2 to 80 m.",
    "yield": "Slow or stop for whoever crosses, by IDM; if the plan names nobody, an adult crosses.",
}
TRIGGERS = """Every manoeuvre that is written into a script can wait for a trigger: `at_s` (0 to 60 s into the clip),
`when_gap_below_m` (2 to 80 m, bumper to bumper to the ego) or `when_ego_at_m` (0 to 400 m driven by the ego since the
clip's start); what follows it keeps its distance in time. Whoever is on foot goes by where the ego is expected; with
`when_clear` they wait at the kerb until nobody who drives would come near them on their way over, and hurry then
(traffic is driven once without them, then with them in the first gap).

The road can have a slip road that joins and ends (`road.ramp`): who merges comes from it. With `road.drive_on: left`,
or on a real map whose oncoming lanes are on the right, everything is driven in a mirror: overtaking on the right,
parking and slip roads on the left; a side that is named stays that side. Somebody can do one thing after another:
overtake the ego, swerve, change lanes or brake and then turn; tailgate the ego and then overtake it. What comes before
a turn is judged up to the turn."""


def scene_of(do: str) -> Scene:
    """Return a scene in which somebody does it."""
    act = Manoeuvre.model_validate({"do": do})
    plan = Plan(actors=(PlanActor(category=WHO.get(do, Category.CAR), manoeuvres=(act,)),))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        road = reference_road(
            road_wish(plan),
            place=plan.ambience.place,
            length_m=road_length_m(plan, DURATION_S),
            parking=needs_parking(plan),
            rng=rng,
        )
        prompt = Prompt(id=do, index=0, text=do, seed=seed, duration_s=DURATION_S)
        scene = simulate(plan, prompt=prompt, road=road, density=0.0, redraws=8, rng=rng)
        if not isinstance(scene, Dropped):
            return scene
    raise SystemExit(f"{do}: {scene.reason}")


GREY = "#777"


class Sheet:
    """An SVG in the frame of the ego's first pose: x to the right, y up, 4 px a metre."""

    def __init__(self, scene: Scene) -> None:
        self.world_SE3_ego = scene.ego.pose_at(scene.ego.start_us)
        start, end = self.at(scene.ego.translation_m[[0, -1]])
        self.low = np.array([min(start[0], end[0], 0.0) - 22.0, -17.0])
        self.high = np.array([max(start[0], end[0], 20.0) + 26.0, 17.0 + max(0.0, end[1])])
        self.parts: list[str] = []
        self.crowded = len(scene.actors) > 2

    def at(self, world_m: np.ndarray) -> np.ndarray:
        """Return world places in the sheet's frame, metres."""
        return self.world_SE3_ego.inverse().transform(world_m)[:, :2]

    def path(self, xy_m: np.ndarray, style: str, *, closed: bool = False) -> None:
        """Draw a line or an area."""
        flat = self.at(np.column_stack([xy_m[:, :2], np.zeros(len(xy_m))]))
        if not closed:
            near = np.flatnonzero(np.all((flat > self.low - 40.0) & (flat < self.high + 40.0), axis=1))
            flat = flat[near[0] : near[-1] + 1] if len(near) else flat[:0]
        if len(flat) == 0 or np.any(flat.max(axis=0) < self.low) or np.any(flat.min(axis=0) > self.high):
            return
        px = np.column_stack([flat[:, 0] - self.low[0], self.high[1] - flat[:, 1]]) * 4.0
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in px)
        self.parts.append(f'<poly{"gon" if closed else "line"} points="{points}" {style}/>')

    def body(self, trajectory: Trajectory, size_lwh_m: tuple[float, float, float], color: str, *, ego: bool) -> None:
        """Draw a box every second, paler the earlier, the seconds beside it, and the way its middle goes.

        Somebody on foot is a disc, larger than he is, so that he can be seen.
        """
        times = np.arange(trajectory.start_us, trajectory.end_us + 1, 200_000, dtype=np.int64)
        corners = box_corners_m(size_lwh_m)[[0, 1, 5, 4]]
        middles: list[np.ndarray] = []
        labelled: list[np.ndarray] = []
        for number, time in enumerate(times):
            pose = trajectory.pose_at(int(time))
            pose = pose @ EGO_SE3_EGO_BOX if ego else pose
            middles.append(pose.translation_m)
            if number % 5 == 0:
                shade = 0.15 + 0.75 * number / max(len(times) - 1, 1)
                style = f'fill="{color}" fill-opacity="{shade:.2f}"'
                small = size_lwh_m[0] < 1.2
                if small:
                    self.disc(pose.translation_m, 0.8, style)
                else:
                    self.path(pose.transform(corners), style, closed=True)
                apart = min((np.linalg.norm(pose.translation_m - place) for place in labelled), default=np.inf)
                if apart > 3.0 and color != GREY and not (small and self.crowded):
                    labelled.append(pose.translation_m)
                    off_px = (8, 3) if small else (0, 14) if ego else (0, -7)
                    self.label(pose.translation_m, f"{number // 5}", color=color, off_px=off_px)
        self.path(np.stack(middles), f'fill="none" stroke="{color}"')

    def disc(self, world_m: np.ndarray, radius_m: float, style: str) -> None:
        """Draw a disc."""
        x, y = self.place_px(world_m)
        self.parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{4 * radius_m:.1f}" {style}/>')

    def label(self, world_m: np.ndarray, words: str, *, color: str, off_px: tuple[int, int]) -> None:
        """Write beside a place."""
        x, y = self.place_px(world_m)
        style = f'font-family="sans-serif" font-size="9" text-anchor="middle" fill="{color}"'
        self.parts.append(f'<text x="{x + off_px[0]:.0f}" y="{y + off_px[1]:.0f}" {style}>{words}</text>')

    def place_px(self, world_m: np.ndarray) -> np.ndarray:
        """Return where a world place is on the sheet, pixels."""
        flat = self.at(world_m[None])[0]
        return np.array([flat[0] - self.low[0], self.high[1] - flat[1]]) * 4.0

    def road(self, hdmap: HDMap) -> None:
        """Draw lanes, parking strips, junctions and crossings."""
        for lane in hdmap.lanes:
            self.path(lane.polygon.exterior_m, 'fill="#e8e8e8" stroke="#fff"', closed=True)
        for area in (*hdmap.carparks, *hdmap.junctions):
            self.path(
                area.polygon.exterior_m, 'fill="#f0ead8"' if area in hdmap.carparks else 'fill="#e8e8e8"', closed=True
            )
        for area in hdmap.crossings:
            self.path(area.polygon.exterior_m, 'fill="#fff" stroke="#bbb"', closed=True)

    def __str__(self) -> str:
        width, height = (self.high - self.low) * 4.0
        inside = "\n".join(self.parts)
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}">\n{inside}\n</svg>\n'


def drawn(scene: Scene) -> str:
    """Return the picture of a scene."""
    sheet = Sheet(scene)
    sheet.road(scene.hdmap)
    for actor in sorted(scene.actors, key=lambda actor: actor.id, reverse=True):
        color = "#c0392b" if actor.id.startswith("actor") else GREY
        sheet.body(actor.trajectory, actor.size_lwh_m, color, ego=False)
    sheet.body(scene.ego, EGO_SIZE_LWH_M, "#1f3a5f", ego=True)
    return str(sheet)


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Manoeuvres\n"
    yield "What an actor or the ego can be asked to do. `benchmarks/manoeuvres.py` writes this from the docstrings;"
    yield "the dark blue box is the ego, the red one acts, grey ones are there because the manoeuvre needs them."
    yield "A box is drawn every second, with the second beside it where somebody moves; people are discs larger than"
    yield "they are.\n"
    yield f"{TRIGGERS}\n"
    for do in get_args(Do):
        written = LIBRARY[do].write.__doc__ if do in LIBRARY else UNSCRIPTED[do]
        groups = sorted({str(category.group) for category in Category if do in can_do(category)})
        who = ", ".join([*groups, *(["the ego"] if do in EGO_DOES else [])])
        yield f"## {do}\n\n![{do}](manoeuvres/{do}.svg)\n"
        yield f"{_flowing(written)}\n"
        yield f"It counts when: {_flowing(CHECKS[do].__doc__)}\n"
        least = f" Clips of {LEAST_S[do]:g} s or more." if do in LEAST_S else ""
        yield f"Who can: {who}.{least}\n"


def _flowing(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def main() -> None:
    """Draw what was asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=get_args(Do), help="draw one manoeuvre")
    only = parser.parse_args().only
    (DOCS / "manoeuvres").mkdir(exist_ok=True)
    for do in [only] if only else get_args(Do):
        (DOCS / "manoeuvres" / f"{do}.svg").write_text(drawn(scene_of(do)), encoding="utf-8")
    (DOCS / "manoeuvres.md").write_text("\n".join(page()).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
