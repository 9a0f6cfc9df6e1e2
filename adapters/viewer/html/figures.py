"""The report's figures, drawn by matplotlib as SVG whose colours are the page's own, so that they follow its theme.

Every colour drawn here stands for a role; `themed` puts the page's variable (`var(--ink)`, …) in its place.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adapters.exporter.nuscenes.census import DISTANCE_M, SPEED_MPS, Census
from adapters.viewer.html.funnel import Step
from datagen.scene import Light, Weather

INK, SOFT, LINE, MADE, REAL, LOST = "#010203", "#010204", "#010205", "#010206", "#010207", "#010208"
ROLES = {INK: "--ink", SOFT: "--soft", LINE: "--line", MADE: "--made", REAL: "--real", LOST: "--lost"}
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "datagen",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "grid.color": LINE,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
MOST_CATEGORIES = 12
WIDTH_IN = 4.0


def funnel_figure(steps: Sequence[Step]) -> str:
    """Draw how many clips got how far."""
    figure, axes = _figure(0.29 * len(steps) + 0.2)
    clips = [step.clips for step in steps]
    lost = [0, *(before - after for before, after in pairwise(clips))]
    rows = np.arange(len(steps))
    axes.barh(rows, clips, color=MADE, height=0.62)
    axes.barh(rows, lost, left=clips, color=LOST, height=0.62)
    for row, (count, gone) in enumerate(zip(clips, lost)):
        _note(axes, f"{count:,}" + (f"  (−{gone:,})" if gone else ""), at=(count + gone, row), color=INK)
    axes.set_yticks(rows, [step.name for step in steps])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlim(0, max(1, *clips) * 1.22)
    _bare(axes)
    return _svg(figure, "Clips that got past each stage")


def classes_figure(made: Census, real: Census | None) -> str:
    """Draw how the boxes divide over the categories."""
    share = _shares(made.categories)
    against = _shares(real.categories) if real else {}
    names = sorted({*share, *against}, key=lambda name: -max(share.get(name, 0), against.get(name, 0)))
    names = names[:MOST_CATEGORIES]
    figure, axes = _figure(0.24 * len(names) + 0.55)
    rows = np.arange(len(names))
    axes.barh(rows, [share.get(name, 0) for name in names], color=MADE, height=0.66)
    if real:
        axes.plot([against.get(name, 0) for name in names], rows, "d", color=REAL, markersize=5)
    for row, name in enumerate(names):
        at = max(share.get(name, 0), against.get(name, 0))
        _note(axes, f"{made.categories.get(name, 0):,}", at=(at, row), color=SOFT)
    axes.set_yticks(rows, [_short(name) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlim(0, max([*share.values(), *against.values(), 1.0]) * 1.16)
    axes.set_xlabel("share of all boxes, %")
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.6)
    axes.spines["left"].set_visible(False)
    return _svg(figure, "Boxes by category")


def distance_figure(made: Census, real: Census | None) -> str:
    """Draw how far from the ego the boxes are."""
    figure, axes = _figure(2.1)
    _histogram(axes, _summed(made.distance), _summed(real.distance) if real else None, edges=DISTANCE_M)
    axes.set_xlabel("distance from the ego, m")
    axes.set_ylabel("share, %")
    return _svg(figure, "Distance of the boxes")


def speed_figure(made: Census, real: Census | None, *, group: str) -> str:
    """Draw how fast the boxes of one group are, those that move; what stands is said in words."""
    figure, axes = _figure(2.1)
    step = 1 if group == "person" else 2
    mine, theirs = _moving(made, group, step=step), _moving(real, group, step=step) if real else None
    reach = max(_last(mine), _last(theirs or [0])) + 2
    edges = SPEED_MPS[::step][: reach + 1]
    _histogram(axes, mine[:reach], theirs[:reach] if theirs else None, edges=edges)
    axes.set_xlabel(f"speed, m/s   (standing: {_standing(made, group)}{_against(real, group)})")
    axes.set_ylabel("share of moving, %")
    return _svg(
        figure, {"vehicle": "Speed of vehicles", "person": "Speed of people", "cycle": "Speed of cycles"}[group]
    )


def ambience_figure(made: Census, real: Census | None) -> str:
    """Draw how many scenes there are of each weather and light."""
    shown = [made, *([real] if real else [])]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 1.9), layout="constrained")
        for axes, census, color in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, (MADE, REAL)):
            _grid(axes, census, color=color)
            if census is real:
                axes.set_yticks([])
    return _svg(figure, "Scenes by weather and light")


def _grid(axes: Axes, census: Census, *, color: str) -> None:
    counts = np.zeros((len(Weather), len(Light)), dtype=int)
    for key, scenes in census.ambience.items():
        weather, light, _ = key.split("/")
        counts[list(Weather).index(Weather(weather)), list(Light).index(Light(light))] += scenes
    most = max(1, counts.max())
    for (row, column), count in np.ndenumerate(counts):
        side = 0.92 * np.sqrt(count / most)
        axes.add_patch(
            mpl.patches.Rectangle((column - side / 2, row - side / 2), side, side, color=color, alpha=0.55, lw=0)
        )
        axes.text(column, row, f"{count:,}" if count else "·", ha="center", va="center", color=INK if count else SOFT)
    axes.set_xticks(range(len(Light)), [light.value for light in Light])
    axes.set_yticks(range(len(Weather)), [weather.value for weather in Weather])
    axes.set_xlim(-0.6, len(Light) - 0.4)
    axes.set_ylim(len(Weather) - 0.4, -0.6)
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _histogram(axes: Axes, made: Sequence[int], real: Sequence[int] | None, *, edges: Sequence[float]) -> None:
    edges = edges[: len(made) + 1]
    axes.stairs(_percent(made), edges, fill=True, color=MADE, alpha=0.85)
    if real is not None:
        axes.stairs(_percent(real), edges, color=REAL, linewidth=1.6)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0)
    axes.grid(axis="y", linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _figure(height_in: float) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        return figure, figure.subplots()


def _note(axes: Axes, text: str, *, at: tuple[float, float], color: str) -> None:
    """Write beside the end of a bar."""
    axes.annotate(text, at, xytext=(5, 0), textcoords="offset points", va="center", color=color, fontsize=8)


def _bare(axes: Axes) -> None:
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines[:].set_visible(False)


def _svg(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element that follows the page's theme."""
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return themed(text[text.index("<svg") :], title=title)


def themed(svg: str, *, title: str) -> str:
    """Put roles in the place of colours, and the page's font in the place of matplotlib's."""
    for color, role in ROLES.items():
        svg = svg.replace(color, f"var({role})")
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--font)", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = max(1, sum(counts.values()))
    return {name: 100 * count / total for name, count in counts.items()}


def _percent(counts: Sequence[int]) -> np.ndarray:
    return 100 * np.asarray(counts) / max(1, sum(counts))


def _summed(groups: Mapping[str, Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*groups.values())] or [0] * (len(DISTANCE_M) - 1)


def _moving(census: Census, group: str, *, step: int) -> list[int]:
    """Return the counts by speed without the first bin, which is what stands; `step` bins are drawn as one."""
    counts = [0, *census.speed.get(group, [0] * (len(SPEED_MPS) - 1))[1:]]
    return [sum(counts[start : start + step]) for start in range(0, len(counts), step)]


def _last(counts: Sequence[int]) -> int:
    """Return the place of the last count that is not 0."""
    return max((place for place, count in enumerate(counts) if count), default=0)


def _standing(census: Census, group: str) -> str:
    counts = census.speed.get(group, [0])
    return f"{100 * counts[0] / max(1, sum(counts)):.0f} %"


def _against(real: Census | None, group: str) -> str:
    return f", real {_standing(real, group)}" if real else ""


def _short(name: str) -> str:
    """Return a nuScenes category as a person says it."""
    words = name.split(".")
    return " ".join(words[1:] or words).replace("_", " ").replace("pedestrian ", "")
