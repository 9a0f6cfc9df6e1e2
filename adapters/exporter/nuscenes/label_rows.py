"""A clip's labels as rows: an instance for every actor, with a box at each key frame it was seen at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from adapters.exporter.nuscenes.judgements import annotation_token
from adapters.exporter.nuscenes.tables import Row, Rows, chain
from adapters.exporter.nuscenes.taxonomy import ATTRIBUTE_NAMES, CATEGORY_NAMES, visibility_token
from adapters.exporter.nuscenes.tokens import sample_token, token_of
from datagen.errors import ClipError
from datagen.scene import Clip, Label, Look


def add_labels(rows: Rows, clip: Clip, labels: Sequence[Label]) -> None:
    """Add the rows of all labels: sample_annotation, chained by actor, and instance.

    Raises ClipError for a label that is not at a key frame.
    """
    tracks: dict[str, list[Label]] = defaultdict(list)
    for label in sorted(labels, key=lambda label: label.frame):
        if not clip.timeline.is_keyframe[label.frame]:
            raise ClipError(f"clip {clip.id}: the label of {label.actor_id} is at frame {label.frame}, not a key frame")
        tracks[label.actor_id].append(label)
    looks = {actor.id: actor.look for actor in clip.scene.actors}
    for actor_id, track in tracks.items():
        boxes = [_annotation_row(clip, label) for label in track]
        chain(boxes)
        rows["sample_annotation"] += boxes
        name = CATEGORY_NAMES[track[0].category]
        rows["instance"].append(_instance_row(clip, actor_id, boxes, name=name, look=looks[actor_id]))


def _annotation_row(clip: Clip, label: Label) -> Row:
    length, width, height = (float(side) for side in label.size_lwh_m)
    attributes = [token_of("attribute", ATTRIBUTE_NAMES[label.attribute])] if label.attribute else []
    return {
        "token": annotation_token(clip, label),
        "sample_token": sample_token(clip.id, int(label.frame)),
        "instance_token": token_of("instance", clip.id, label.actor_id),
        "visibility_token": visibility_token(label.visible),
        "attribute_tokens": attributes,
        "translation": label.world_SE3_box.translation_m.tolist(),
        "size": [width, length, height],
        "rotation": label.world_SE3_box.quat_wxyz.tolist(),
        "prev": "",
        "next": "",
        "num_lidar_pts": int(label.lidar_points),
        "num_radar_pts": 0,
    }


def _instance_row(clip: Clip, actor_id: str, boxes: list[Row], *, name: str, look: Look) -> Row:
    """Return nuScenes' row, and the look that was asked for, which a log read back keeps (see `looks`)."""
    return {
        "token": token_of("instance", clip.id, actor_id),
        "category_token": token_of("category", name),
        "nbr_annotations": len(boxes),
        "first_annotation_token": boxes[0]["token"],
        "last_annotation_token": boxes[-1]["token"],
        "look": {"color_rgb": [round(float(channel), 4) for channel in look.color_rgb], "kind": look.kind},
    }
