"""Which way a lane is driven, where the map does not say: by vote.

A lane's strip has two ends and no direction. Evidence speaks for one sense or the other, in numbers whose
sign is the sense and whose size is how much it is worth:

1. traffic: vehicles recorded on it head one way;
2. connectivity: the lanes it leads to lie at one of its ends;
3. neighbours: across a lane divider they run alike, across a road divider against each other, and where two
   lanes meet end to end the flow goes through both;
4. the side of the road: the lanes whose sense is known tell whether one drives on the right here.

What is left keeps the sense its outline was drawn in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float

from adapters.scene.nuscenes.strips import Strip, left_of, length_m, outline_of, resampled

TRAFFIC_WEIGHT = 1.0
LINK_WEIGHT = 3.0
NEIGHBOUR_WEIGHT = 0.5
MEETING_M = 1.5
"""Ends nearer than this meet."""
ACROSS_M = 30.0
"""A junction is at most this wide."""
BESIDE_M = 1.2
"""How far from a divider the lanes on its two sides are looked for."""
ROUNDS = 30


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Where something was seen driving, and which way. weight: what each sighting is worth."""

    xy_m: Float[np.ndarray, "sightings 2"]
    heading: Float[np.ndarray, "sightings 2"]
    weight: Float[np.ndarray, "sightings"]


def directed(
    strips: Mapping[str, Strip],
    *,
    links: Mapping[str, tuple[Sequence[str], Sequence[str]]],
    traffic: Traffic,
    lane_dividers: Sequence[Float[np.ndarray, "_ 2"]],
    road_dividers: Sequence[Float[np.ndarray, "_ 2"]],
) -> dict[str, Strip]:
    """Return the strips, each turned the way it is driven.

    links: lane → (lanes that lead to it, lanes it leads to).  dividers: lines, in either sense.
    """
    ids = list(strips)
    shapes = [strips[name] for name in ids]
    number = {name: index for index, name in enumerate(ids)}
    votes = _traffic_votes(shapes, traffic) + _link_votes(shapes, number, links)
    tree = shapely.STRtree([outline_of(strip) for strip in shapes])
    against = _parted(shapes, tree, road_dividers)
    coupling = _coupling(shapes, alike=_parted(shapes, tree, lane_dividers), against=against)
    score = _spread(votes, coupling)
    score = _spread(votes + _side_votes(shapes, score, against), coupling)
    return {name: strips[name] if score[number[name]] >= 0 else strips[name].reversed() for name in ids}


def alongside(strips: Mapping[str, Strip], lane_dividers: Sequence[Float[np.ndarray, "_ 2"]]) -> dict[str, str]:
    """Return lane → the lane of the same direction on its right, across a lane divider.

    strips: as they are driven.
    """
    ids, shapes = list(strips), list(strips.values())
    metres: dict[tuple[int, int], float] = {}
    for (a, b), shared in _parted(
        shapes, shapely.STRtree([outline_of(strip) for strip in shapes]), lane_dividers
    ).items():
        middle = _middle(shapes[a])
        if np.sum(_tangent_at(shapes[a], middle) * _tangent_at(shapes[b], middle)) > 0.7:
            towards = _nearest(shapes[b], middle) - middle
            b_is_left = np.sum(_left_at(shapes[a], middle) * towards) > 0
            pair = (b, a) if b_is_left else (a, b)
            metres[pair] = metres.get(pair, 0.0) + shared
    longest_last = sorted(metres, key=lambda pair: metres[pair])
    return {ids[left]: ids[right] for left, right in longest_last}


def onward(strips: Mapping[str, Strip]) -> list[tuple[str, str]]:
    """Return (lane, lane it plainly runs on into), for a map that does not connect its lanes.

    strips: as they are driven. Only ends that meet, or lie straight ahead of one another across a junction.
    """
    ids, shapes = list(strips), list(strips.values())
    pairs = []
    for a, b, worth in _meetings(shapes):
        if worth > 0:
            forth, back = (np.linalg.norm(shapes[y].center_m[0] - shapes[x].center_m[-1]) for x, y in ((a, b), (b, a)))
            pairs.append((ids[a], ids[b]) if forth < back else (ids[b], ids[a]))
    return pairs


def _traffic_votes(shapes: Sequence[Strip], traffic: Traffic) -> Float[np.ndarray, "lanes"]:
    """Sum over sightings on each lane of how well they go its way (the cosine)."""
    votes = np.zeros(len(shapes))
    points = shapely.points(traffic.xy_m) if len(traffic.xy_m) else np.array([])
    if not len(points):
        return votes
    tree = shapely.STRtree(points)
    for index, strip in enumerate(shapes):
        inside = tree.query(outline_of(strip), predicate="contains")
        if len(inside):
            tangent = _tangent_at(strip, traffic.xy_m[inside])
            votes[index] = np.sum(traffic.weight[inside] * np.sum(tangent * traffic.heading[inside], axis=1))
    return votes * TRAFFIC_WEIGHT


def _left_at(strip: Strip, xy_m: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Return the unit vector to the left of the centre line, where it is nearest to each point."""
    apart = np.linalg.norm(xy_m[:, None] - strip.center_m[None], axis=2)
    return left_of(strip.center_m)[np.argmin(apart, axis=1)]


def _tangent_at(strip: Strip, xy_m: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Return the unit tangent of the centre line, where it is nearest to each point."""
    return _left_at(strip, xy_m) @ np.array([[0.0, -1.0], [1.0, 0.0]])


def _nearest(strip: Strip, xy_m: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Return the point of the centre line nearest to each point."""
    return strip.center_m[np.argmin(np.linalg.norm(xy_m[:, None] - strip.center_m[None], axis=2), axis=1)]


def _middle(strip: Strip) -> Float[np.ndarray, "1 2"]:
    return strip.center_m[len(strip.center_m) // 2][None]


def _link_votes(
    shapes: Sequence[Strip], number: Mapping[str, int], links: Mapping[str, tuple[Sequence[str], Sequence[str]]]
) -> Float[np.ndarray, "lanes"]:
    """A lane it leads to lies nearer to the end of a lane than to its beginning; one that leads to it, the reverse."""
    votes = np.zeros(len(shapes))
    ends = np.array([[strip.center_m[0], strip.center_m[-1]] for strip in shapes]).reshape(-1, 2, 2)
    for name, (before, after) in links.items():
        if name not in number:
            continue
        own = ends[number[name]]
        for sign, others in ((-1.0, before), (1.0, after)):
            for other in others:
                if other in number and other != name:
                    apart = np.linalg.norm(own[:, None] - ends[number[other]][None], axis=2).min(axis=1)
                    votes[number[name]] += sign * LINK_WEIGHT * np.tanh((apart[0] - apart[1]) / 3.0)
    return votes


def _parted(
    shapes: Sequence[Strip], tree: shapely.STRtree, dividers: Sequence[Float[np.ndarray, "_ 2"]]
) -> dict[tuple[int, int], float]:
    """Return (lane, lane) → metres of divider between them, the first on the divider's left."""
    metres: dict[tuple[int, int], float] = {}
    for line in dividers:
        if len(line) < 2 or length_m(line) < 1.0:
            continue
        step = 3.0
        spots = resampled(line, max(3, int(length_m(line) / step) + 1))
        aside = left_of(spots) * BESIDE_M
        on_left, on_right = (_lane_at(tree, spots + sign * aside) for sign in (1.0, -1.0))
        for left, right in zip(on_left, on_right):
            if left is not None and right is not None and left != right:
                metres[left, right] = metres.get((left, right), 0.0) + step
    return metres


def _lane_at(tree: shapely.STRtree, spots: Float[np.ndarray, "spots 2"]) -> list[int | None]:
    found: list[int | None] = [None] * len(spots)
    for spot, lane in tree.query(shapely.points(spots), predicate="within").T:
        found[spot] = int(lane)
    return found


Couplings = Mapping[tuple[int, int], float]


def _coupling(
    shapes: Sequence[Strip], *, alike: Mapping[tuple[int, int], float], against: Mapping[tuple[int, int], float]
) -> Couplings:
    """Return (lane, lane) → how much one's score is worth to the other, negative if their strips run opposite ways."""
    coupling: dict[tuple[int, int], float] = {}

    def add(a: int, b: int, worth: float) -> None:
        coupling[a, b] = coupling.get((a, b), 0.0) + worth
        coupling[b, a] = coupling.get((b, a), 0.0) + worth

    for sign, pairs in ((1.0, alike), (-1.0, against)):
        for (a, b), metres in pairs.items():
            middle = _middle(shapes[a])
            cosine = float(np.sum(_tangent_at(shapes[a], middle) * _tangent_at(shapes[b], middle)))
            add(a, b, sign * np.sign(cosine) * NEIGHBOUR_WEIGHT * min(1.0, metres / 9.0))
    for a, b, flow in _meetings(shapes):
        add(a, b, flow)
    return coupling


def _meetings(shapes: Sequence[Strip]) -> list[tuple[int, int, float]]:
    """Return (lane, lane, worth): + where the flow of one strip runs on into the other, - where their strips clash.

    Ends that meet are worth 1; ends that lie straight ahead of one another across a junction a quarter.
    """
    ends = np.array([[strip.center_m[0], strip.center_m[-1]] for strip in shapes]).reshape(-1, 2)
    away = np.array([[s.center_m[0] - s.center_m[1], s.center_m[-1] - s.center_m[-2]] for s in shapes]).reshape(-1, 2)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    tree = shapely.STRtree(shapely.points(ends))
    meetings = []
    for p, q in tree.query(shapely.points(ends), predicate="dwithin", distance=ACROSS_M).T:
        if p < q and p // 2 != q // 2:
            worth = _meeting(ends[q] - ends[p], away[p], away[q])
            meetings.append((int(p) // 2, int(q) // 2, worth if p % 2 != q % 2 else -worth))
    return [meeting for meeting in meetings if meeting[2]]


def _meeting(gap: Float[np.ndarray, "2"], out: Float[np.ndarray, "2"], out_of_other: Float[np.ndarray, "2"]) -> float:
    """Return how sure it is that one lane runs on into another whose end lies `gap` from its own."""
    apart = float(np.linalg.norm(gap))
    facing = -float(out @ out_of_other)
    if apart <= MEETING_M:
        return 1.0 if facing > 0.8 else 0.0
    ahead, aside = float(gap @ out), abs(float(out[0] * gap[1] - out[1] * gap[0]))
    return 0.25 if facing > 0.95 and ahead > 0 and aside < 0.5 + 0.05 * apart else 0.0


def _spread(votes: Float[np.ndarray, "lanes"], coupling: Couplings) -> Float[np.ndarray, "lanes"]:
    """Let every lane hear its neighbours, who are as sure as a clipped score, until the news has gone round."""
    score = votes.copy()
    for _ in range(ROUNDS):
        heard = np.zeros_like(votes)
        for (a, b), worth in coupling.items():
            heard[b] += worth * np.clip(score[a], -1.0, 1.0)
        score = votes + heard
    return score


def _side_votes(
    shapes: Sequence[Strip], score: Float[np.ndarray, "lanes"], against: Mapping[tuple[int, int], float]
) -> Float[np.ndarray, "lanes"]:
    """Lanes beside a road divider have it on the same hand everywhere: learn which from the sure ones."""
    handed: dict[int, float] = {}  # > 0: driven as drawn, the lane would have the divider on its left
    for pair, metres in against.items():
        for lane, other in (pair, pair[::-1]):
            middle = _middle(shapes[lane])
            towards = _nearest(shapes[other], middle) - middle
            side = float(np.sum(_left_at(shapes[lane], middle) * towards))
            handed[lane] = handed.get(lane, 0.0) + metres * np.sign(side)
    sure = sum(np.sign(side) * np.sign(score[lane]) for lane, side in handed.items() if abs(score[lane]) > 1.0)
    votes = np.zeros(len(shapes))
    for lane, side in handed.items():
        votes[lane] = 0.3 * np.sign(sure) * np.sign(side)
    return votes
