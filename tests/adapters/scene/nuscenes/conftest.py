"""A whole nuScenes-format log small enough to read by eye: two scenes on a straight road, two cameras, a LiDAR."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from adapters.exporter.nuscenes.taxonomy import ATTRIBUTE_NAMES, CATEGORY_NAMES
from datagen.scene import SE3, Prompt

CAMERAS = {"CAM_FRONT": 0.0, "CAM_FRONT_LEFT": 60.0, "CAM_FRONT_RIGHT": -60.0}
ROAD_X_M, ROAD_Y_M = (10.0, 190.0), (43.0, 57.0)
SAMPLES = 6
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture
def tiny_log(tmp_path: Path) -> Path:
    """A correct log: 2 scenes x 6 samples, 4 instances each, a map with two lanes each way."""
    root = tmp_path / "tiny"
    write(root, tables())
    (root / "maps" / "expansion").mkdir(parents=True)
    (root / "maps" / "expansion" / "tiny-town.json").write_text(json.dumps(expansion()))
    mask = np.zeros((1000, 2000), dtype=np.uint8)
    mask[1000 - 570 : 1000 - 430, 100:1900] = 255
    cv2.imwrite(str(root / "maps" / "mask.png"), mask)
    return root


@pytest.fixture
def edit_table(tiny_log: Path) -> Callable[[str, Callable[[list[dict[str, Any]]], object]], None]:
    """Change one table of the tiny log on disk: edit_table("scene", lambda records: records.pop())."""

    def edit(table: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
        path = tiny_log / "v1.0-tiny" / f"{table}.json"
        records = json.loads(path.read_text())
        change(records)
        path.write_text(json.dumps(records))

    return edit


@pytest.fixture
def asked() -> Callable[..., Prompt]:
    """A prompt for the scene at a place in the recipe."""

    def ask(index: int = 0, text: str = "", seed: int = 3) -> Prompt:
        return Prompt(id=f"p{index}", index=index, text=text, seed=seed, duration_s=3.0)

    return ask


def write(root: Path, content: Tables) -> None:
    """Write the tables of version v1.0-tiny."""
    folder = root / "v1.0-tiny"
    folder.mkdir(parents=True)
    for table, records in content.items():
        (folder / f"{table}.json").write_text(json.dumps(records))


def tables() -> Tables:
    """Return all 13 tables."""
    content: Tables = {
        "log": [{"token": "log", "logfile": "n000", "vehicle": "v", "date_captured": "d", "location": "tiny-town"}],
        "map": [{"token": "map", "log_tokens": ["log"], "category": "semantic_prior", "filename": "maps/mask.png"}],
        "category": [{"token": name, "name": name, "description": ""} for name in CATEGORY_NAMES.values()],
        "attribute": [{"token": name, "name": name, "description": ""} for name in ATTRIBUTE_NAMES.values()],
        "visibility": [{"token": "4", "level": "v80-100", "description": ""}],
        "sensor": [{"token": channel, "channel": channel, "modality": "camera"} for channel in CAMERAS],
        "calibrated_sensor": [calibration(channel, yaw) for channel, yaw in CAMERAS.items()],
    }
    content["sensor"].append({"token": "LIDAR_TOP", "channel": "LIDAR_TOP", "modality": "lidar"})
    lidar = {"token": "cal-LIDAR_TOP", "sensor_token": "LIDAR_TOP", "translation": [0.9, 0.0, 1.8]}
    content["calibrated_sensor"].append({**lidar, "rotation": [1.0, 0.0, 0.0, 0.0], "camera_intrinsic": []})
    for table in ("scene", "sample", "sample_data", "ego_pose", "instance", "sample_annotation"):
        content[table] = []
    add_scene(content, "scene-0001", "Rain, following a van", start_us=1_000_000_000_000_000)
    add_scene(content, "scene-0002", "Night, parked car", start_us=1_000_000_100_000_000)
    return content


def calibration(channel: str, yaw_deg: float) -> dict[str, Any]:
    """Return a level camera that looks `yaw_deg` to the left."""
    optical = SE3(quat_wxyz=np.array([0.5, -0.5, 0.5, -0.5]), translation_m=np.zeros(3))
    pose = SE3.from_yaw(1.5, 0.1, 1.5, np.deg2rad(yaw_deg)) @ optical
    return {
        "token": f"cal-{channel}",
        "sensor_token": channel,
        "translation": pose.translation_m.tolist(),
        "rotation": (-pose.quat_wxyz).tolist(),
        "camera_intrinsic": [[600.0, 0.0, 400.0], [0.0, 600.0, 225.0], [0.0, 0.0, 1.0]],
    }


def add_scene(content: Tables, name: str, description: str, *, start_us: int) -> None:
    """Add a drive of 2.5 s at 8 m/s along y = 46 past a van, a parked car, a walker and a cone."""
    samples = [f"{name}-s{k}" for k in range(SAMPLES)]
    content["scene"].append(
        {
            "token": name,
            "log_token": "log",
            "nbr_samples": SAMPLES,
            "first_sample_token": samples[0],
            "last_sample_token": samples[-1],
            "name": name,
            "description": description,
        }
    )
    for k, token in enumerate(samples):
        time = start_us + 500_000 * k
        before, after = neighbours(samples, k)
        content["sample"].append(
            {"token": token, "timestamp": time, "prev": before, "next": after, "scene_token": name}
        )
        for offset, channel in enumerate((*CAMERAS, "LIDAR_TOP")):
            fired = time - 10_000 * (len(CAMERAS) - offset)
            add_shot(
                content,
                f"{token}-{channel}",
                channel=channel,
                sample=token,
                fired_us=fired,
                x_m=40.0 + 8e-6 * (fired - start_us),
            )
    tracks = {
        "van": ("vehicle.car", lambda k: (60.0 + 4.0 * k, 46.0, 1.1), [2.0, 5.0, 2.2], ["vehicle.moving"]),
        "parked": ("vehicle.truck", lambda k: (75.0, 60.0, 1.5), [2.5, 7.0, 3.0], ["vehicle.parked"]),
        "walker": ("human.pedestrian.adult", lambda k: (70.0 + 0.7 * k, 41.0, 0.9), [0.6, 0.7, 1.8], []),
        "cone": ("movable_object.trafficcone", lambda k: (66.0, 44.0, 0.5), [0.4, 0.4, 1.0], []),
    }
    for track, (category, place, size, attributes) in tracks.items():
        boxes = [f"{name}-{track}-{k}" for k in range(SAMPLES)]
        content["instance"].append(
            {
                "token": f"{name}-{track}",
                "category_token": category,
                "nbr_annotations": SAMPLES,
                "first_annotation_token": boxes[0],
                "last_annotation_token": boxes[-1],
            }
        )
        for k, token in enumerate(boxes):
            before, after = neighbours(boxes, k)
            content["sample_annotation"].append(
                {
                    "token": token,
                    "sample_token": samples[k],
                    "instance_token": f"{name}-{track}",
                    "visibility_token": "4",
                    "attribute_tokens": attributes,
                    "translation": list(place(k)),
                    "size": size,
                    "rotation": [-0.9987502603949663, 0.0, 0.0, -0.04997916927067833],
                    "prev": before,
                    "next": after,
                    "num_lidar_pts": 5,
                    "num_radar_pts": 0,
                }
            )


def add_shot(content: Tables, token: str, *, channel: str, sample: str, fired_us: int, x_m: float) -> None:
    """Add one picture or sweep, and the pose it was taken from (with a quaternion of negative sign)."""
    content["ego_pose"].append(
        {
            "token": token,
            "timestamp": fired_us,
            "translation": [x_m, 46.0, 0.0],
            "rotation": [-1.0, 0.0, 0.0, 0.0],
        }
    )
    camera = channel.startswith("CAM")
    content["sample_data"].append(
        {
            "token": token,
            "sample_token": sample,
            "ego_pose_token": token,
            "calibrated_sensor_token": f"cal-{channel}",
            "timestamp": fired_us,
            "fileformat": "jpg" if camera else "pcd",
            "is_key_frame": True,
            "height": 450 if camera else 0,
            "width": 800 if camera else 0,
            "filename": f"samples/{channel}/{token}.{'jpg' if camera else 'pcd.bin'}",
            "prev": "",
            "next": "",
        }
    )


def neighbours(tokens: list[str], k: int) -> tuple[str, str]:
    """Return the tokens before and after number `k`, empty at the ends."""
    return tokens[k - 1] if k else "", tokens[k + 1] if k + 1 < len(tokens) else ""


def expansion() -> dict[str, Any]:
    """Return an expansion 1.3 that names neither ends nor directions of lanes; they are drawn in no fixed sense."""
    layers: dict[str, Any] = {"version": "1.3", "canvas_edge": [200.0, 100.0], "node": [], "polygon": [], "line": []}
    for layer in (
        "drivable_area",
        "road_segment",
        "road_block",
        "lane",
        "ped_crossing",
        "walkway",
        "stop_line",
        "carpark_area",
        "road_divider",
        "lane_divider",
        "traffic_light",
        "lane_connector",
    ):
        layers[layer] = []

    def nodes(points: list[tuple[float, float]]) -> list[str]:
        tokens = [f"n{len(layers['node']) + k}" for k in range(len(points))]
        layers["node"] += [{"token": token, "x": x, "y": y} for token, (x, y) in zip(tokens, points)]
        return tokens

    def polygon(token: str, points: list[tuple[float, float]]) -> str:
        layers["polygon"].append({"token": f"poly-{token}", "exterior_node_tokens": nodes(points), "holes": []})
        return f"poly-{token}"

    def box(token: str, x0: float, y0: float, x1: float, y1: float) -> str:
        return polygon(token, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    for number, y in enumerate((43.0, 46.5, 50.0, 53.5)):
        for part, (x0, x1) in enumerate(((10.0, 100.0), (110.0, 190.0))):
            token = f"lane{number}{'ab'[part]}"
            layers["lane"].append(
                {
                    "token": token,
                    "polygon_token": box(token, x0, y, x1, y + 3.5),
                    "lane_type": "CAR",
                    "from_edge_line_token": "",
                    "to_edge_line_token": "",
                    "left_lane_divider_segments": [],
                    "right_lane_divider_segments": [],
                }
            )
    for layer, token, y in (
        ("lane_divider", "south", 46.5),
        ("road_divider", "middle", 50.0),
        ("lane_divider", "north", 53.5),
    ):
        layers["line"].append({"token": f"line-{token}", "node_tokens": nodes([(10.0, y), (190.0, y)])})
        record = {"token": token, "line_token": f"line-{token}", "road_segment_token": None}
        layers[layer].append({**record, f"{layer}_segments": []})
    layers["drivable_area"].append({"token": "road", "polygon_tokens": [box("road", 10.0, 43.0, 190.0, 57.0)]})
    layers["ped_crossing"].append(
        {"token": "zebra", "polygon_token": box("zebra", 103.0, 43.0, 107.0, 57.0), "road_segment_token": ""}
    )
    for token, y in (("walk-south", 39.0), ("walk-north", 57.0)):
        layers["walkway"].append({"token": token, "polygon_token": box(token, 10.0, y, 190.0, y + 4.0)})
    layers["arcline_path_3"], layers["connectivity"] = {}, {}
    return layers
