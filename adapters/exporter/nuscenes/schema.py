"""The fields of nuScenes' 13 tables that somebody reads, and what kind each must be."""

from __future__ import annotations

from collections.abc import Callable


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def is_texts(value: object) -> bool:
    """Say whether a value is a list of strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_numbers(value: object, count: int) -> bool:
    numbers = isinstance(value, list) and all(isinstance(x, int | float) and not isinstance(x, bool) for x in value)
    return numbers and len(value) == count  # type: ignore[arg-type]


def _is_vector(value: object) -> bool:
    return _is_numbers(value, 3)


def _is_quaternion(value: object) -> bool:
    return _is_numbers(value, 4)


def _is_intrinsic(value: object) -> bool:
    return value == [] or (isinstance(value, list) and len(value) == 3 and all(map(_is_vector, value)))


SCHEMA: dict[str, dict[str, Callable[[object], bool]]] = {
    "category": {"token": _is_text, "name": _is_text},
    "attribute": {"token": _is_text, "name": _is_text},
    "visibility": {"token": _is_text, "level": _is_text},
    "instance": {
        "token": _is_text,
        "category_token": _is_text,
        "nbr_annotations": _is_whole,
        "first_annotation_token": _is_text,
        "last_annotation_token": _is_text,
    },
    "sensor": {"token": _is_text, "channel": _is_text, "modality": _is_text},
    "calibrated_sensor": {
        "token": _is_text,
        "sensor_token": _is_text,
        "translation": _is_vector,
        "rotation": _is_quaternion,
        "camera_intrinsic": _is_intrinsic,
    },
    "ego_pose": {"token": _is_text, "timestamp": _is_whole, "translation": _is_vector, "rotation": _is_quaternion},
    "log": {"token": _is_text, "logfile": _is_text, "location": _is_text},
    "scene": {
        "token": _is_text,
        "log_token": _is_text,
        "nbr_samples": _is_whole,
        "first_sample_token": _is_text,
        "last_sample_token": _is_text,
        "name": _is_text,
        "description": _is_text,
    },
    "sample": {"token": _is_text, "timestamp": _is_whole, "prev": _is_text, "next": _is_text, "scene_token": _is_text},
    "sample_data": {
        "token": _is_text,
        "sample_token": _is_text,
        "ego_pose_token": _is_text,
        "calibrated_sensor_token": _is_text,
        "timestamp": _is_whole,
        "fileformat": _is_text,
        "is_key_frame": _is_flag,
        "height": _is_whole,
        "width": _is_whole,
        "filename": _is_text,
        "prev": _is_text,
        "next": _is_text,
    },
    "sample_annotation": {
        "token": _is_text,
        "sample_token": _is_text,
        "instance_token": _is_text,
        "visibility_token": _is_text,
        "attribute_tokens": is_texts,
        "translation": _is_vector,
        "size": _is_vector,
        "rotation": _is_quaternion,
        "prev": _is_text,
        "next": _is_text,
        "num_lidar_pts": _is_whole,
        "num_radar_pts": _is_whole,
    },
    "map": {"token": _is_text, "filename": _is_text, "log_tokens": is_texts},
}
"""The fields somebody reads, by table."""
