"""A split in slices: by weather, by light, by what was asked for, by distance. Where does a detector gain?

```
   weather:rain  light:night  …    the scenes whose provenance (or, in a real log, whose description) says so
   event                           the scenes a prompt's event happens in
   distance:20-35m                 boxes of truth and prediction by their distance from the vehicle
```

A slice is scored by the devkit's own judge on what is left of truth and predictions. Predictions that lie just
across a distance from their truth count for neither side of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datagen import plugins
from datagen.errors import DatasetError
from eval.scoring import DetectionScores, scores_of

if TYPE_CHECKING:
    from nuscenes import NuScenes
    from nuscenes.eval.common.data_classes import EvalBoxes
    from nuscenes.eval.detection.evaluate import DetectionEval

RINGS_M = ((0, 20), (20, 35), (35, 50))
Keep = Callable[[Any], bool]
"""Whether a box of the devkit belongs to a slice."""


def slices_of(nusc: NuScenes) -> dict[str, frozenset[str]]:
    """Return slice → the names of its scenes, of those that some but not all scenes are in."""
    told = _provenance(Path(nusc.dataroot) / nusc.version)
    names: dict[str, set[str]] = {}
    for scene in nusc.scene:
        row = told.get(scene["name"]) or _described(scene["description"])
        tags = [f"weather:{row['weather']}", f"light:{row['light']}"]
        tags += ["event"] if row.get("event_instance_tokens") else []
        for tag in tags:
            names.setdefault(tag, set()).add(scene["name"])
    return {tag: frozenset(scenes) for tag, scenes in sorted(names.items()) if len(scenes) < len(nusc.scene)}


def score_slices(judge: DetectionEval, slices: Mapping[str, frozenset[str]]) -> dict[str, DetectionScores]:
    """Return slice → scores, of the slices that hold a box of the truth; `judge` is left as it was."""
    nusc = judge.nusc
    scene_of = {row["token"]: nusc.get("scene", row["scene_token"])["name"] for row in nusc.sample}
    filters: dict[str, Keep] = {tag: _in_scenes(scenes, scene_of) for tag, scenes in slices.items()}
    filters |= {f"distance:{near}-{far}m": _in_ring(near, far) for near, far in RINGS_M}
    scored = {}
    for tag, keep in filters.items():
        with _only(judge, keep):
            if judge.gt_boxes.all:
                scored[tag] = scores_of(judge)
    return scored


def _in_scenes(scenes: frozenset[str], scene_of: Mapping[str, str]) -> Keep:
    return lambda box: scene_of[box.sample_token] in scenes


def _in_ring(near_m: float, far_m: float) -> Keep:
    return lambda box: near_m <= box.ego_dist < far_m


@contextmanager
def _only(judge: DetectionEval, keep: Keep) -> Iterator[None]:
    """Let the judge see only some boxes."""
    truth, found = judge.gt_boxes, judge.pred_boxes
    judge.gt_boxes, judge.pred_boxes = _kept(truth, keep), _kept(found, keep)
    try:
        yield
    finally:
        judge.gt_boxes, judge.pred_boxes = truth, found


def _kept(boxes: EvalBoxes, keep: Keep) -> EvalBoxes:
    from nuscenes.eval.common.data_classes import EvalBoxes

    kept = EvalBoxes()
    for token in boxes.sample_tokens:
        kept.add_boxes(token, [box for box in boxes[token] if keep(box)])
    return kept


def _provenance(tables: Path) -> dict[str, dict[str, Any]]:
    path = tables / "provenance.json"
    if not path.is_file():
        return {}
    try:
        return {row["scene_name"]: row for row in json.loads(path.read_text(encoding="utf-8"))}
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path}: is not a table of provenance ({error!r})") from error


def _described(text: str) -> dict[str, str]:
    """Return weather and light as a real log's description tells them."""
    ambience = plugins.load("scene", "nuscenes").ambience_of(text)
    return {"weather": str(ambience.weather), "light": str(ambience.light)}
