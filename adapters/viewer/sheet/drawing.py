"""Contact sheets: what six cameras and the LiDAR saw, drawn from a nuScenes-format dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from nuscenes.nuscenes import NuScenes
from nuscenes.utils.data_classes import Box, LidarPointCloud
from PIL import Image, ImageDraw, ImageFont
from pyquaternion import Quaternion

from adapters.exporter.nuscenes.maps import open_map

VIEW_WIDTH_PX = 224
MOMENTS = 4
BIRD_REACH_M = (60.0, 20.0)
"""How far the bird's-eye view reaches ahead and to the side of the ego."""
SUPERSAMPLING = 2
GROUND = (24, 26, 30)
MAP_COLORS = {
    "drivable_area": (44, 48, 56),
    "walkway": (34, 40, 38),
    "ped_crossing": (70, 74, 82),
    "lane_divider": (120, 120, 120),
    "road_divider": (150, 125, 50),
}
"""Layers from the lowest to the topmost."""


def contact_sheet(nusc: NuScenes, scene: dict) -> Image.Image:
    """Return one picture of a scene: four moments, one of them with its boxes, and the bird's-eye view of that one."""
    samples = list(samples_of(nusc, scene))
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, MOMENTS).round().astype(int))]
    middle = chosen[len(chosen) // 2]
    rows = [panorama(nusc, sample) for sample in chosen]
    rows.append(panorama(nusc, middle, boxes=True))
    rows.append(bird_view(nusc, middle, width_px=rows[0].width))
    return stacked([caption(f"{scene['name']}   {scene['description']}", width_px=rows[0].width), *rows])


def samples_of(nusc: NuScenes, scene: dict) -> Iterator[dict]:
    """Yield a scene's samples in order."""
    token = scene["first_sample_token"]
    while token:
        sample = nusc.get("sample", token)
        yield sample
        token = sample["next"]


def channels_of(nusc: NuScenes, sample: dict) -> list[str]:
    """Return a sample's cameras as one turns from behind on the left over ahead to behind on the right and back."""

    def heading(channel: str) -> float:
        record = nusc.get("sample_data", sample["data"][channel])
        pose = nusc.get("calibrated_sensor", record["calibrated_sensor_token"])
        x, y, _ = Quaternion(pose["rotation"]).rotate([0.0, 0.0, 1.0])
        return float((np.arctan2(-y, x) + np.deg2rad(80)) % (2 * np.pi))  # 80° left comes first

    return sorted((channel for channel in sample["data"] if channel.startswith("CAM")), key=heading)


def panorama(nusc: NuScenes, sample: dict, *, boxes: bool = False) -> Image.Image:
    """Return a sample's views side by side."""
    records = [nusc.get("sample_data", sample["data"][channel]) for channel in channels_of(nusc, sample)]
    return beside([_view(nusc, record, boxes=boxes) for record in records])


def bird_view(nusc: NuScenes, sample: dict, *, width_px: int) -> Image.Image:
    """Return map, LiDAR, boxes and ego from above, the ego's heading to the right."""
    reach_x, reach_y = BIRD_REACH_M
    scale = width_px * SUPERSAMPLING / (2 * reach_x)
    size = (width_px * SUPERSAMPLING, round(2 * reach_y * scale))
    picture = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(picture)
    record = nusc.get("sample_data", sample["data"]["LIDAR_TOP"])
    calibration = nusc.get("calibrated_sensor", record["calibrated_sensor_token"])
    path, boxes, _ = nusc.get_sample_data(record["token"])
    rotation = Quaternion(calibration["rotation"]).rotation_matrix
    offset = np.array(calibration["translation"])

    def pixels(points_m: np.ndarray) -> np.ndarray:
        ego = points_m @ rotation.T + offset
        return np.stack([size[0] / 2 + ego[:, 0] * scale, size[1] / 2 - ego[:, 1] * scale], axis=-1)

    world = nusc.get("ego_pose", record["ego_pose_token"])
    for shape, fill, width in map_shapes(nusc, sample, center_m=world["translation"][:2]):
        flat = np.pad(shape - np.array(world["translation"][:2]), ((0, 0), (0, 1)))
        ego_m = flat @ Quaternion(world["rotation"]).rotation_matrix
        line = [tuple(point) for point in pixels((ego_m - offset) @ rotation)]
        if width:
            draw.line(line, fill=fill, width=width)
        else:
            draw.polygon(line, fill=fill)
    cloud = LidarPointCloud.from_file(str(path)).points
    for (x, y), height in zip(pixels(cloud[:3].T), cloud[2]):
        shade = int(np.clip(120 + 40 * height, 60, 220))
        draw.point([(x, y), (x + 1, y)], fill=(shade, shade, shade))
    for box in boxes:
        corners = pixels(box.bottom_corners().T)
        draw.polygon([tuple(corner) for corner in corners], outline=_color(nusc, box), width=3)
        nose = (corners[0] + corners[1]) / 2
        draw.line([tuple(corners.mean(axis=0)), tuple(nose)], fill=_color(nusc, box), width=3)
    ego = np.array([[-1.0, 0.9, 0], [3.7, 0.9, 0], [3.7, -0.9, 0], [-1.0, -0.9, 0]])
    outline = pixels((ego - offset) @ rotation)
    draw.polygon([tuple(corner) for corner in outline], fill=(255, 255, 255))
    return picture.resize((width_px, size[1] // SUPERSAMPLING), Image.Resampling.LANCZOS)


def map_shapes(
    nusc: NuScenes, sample: dict, *, center_m: Sequence[float]
) -> Iterator[tuple[Float[np.ndarray, "points 2"], tuple[int, int, int], int]]:
    """Yield what the map shows around a place: points in the world, colour, and line width (0 for an area)."""
    scene = nusc.get("scene", sample["scene_token"])
    nusc_map = open_map(Path(nusc.dataroot), nusc.get("log", scene["log_token"])["location"])
    x, y = center_m
    reach = sum(BIRD_REACH_M)
    patch = (x - reach, y - reach, x + reach, y + reach)
    near = nusc_map.get_records_in_patch(patch, list(MAP_COLORS), mode="intersect")
    for layer, color in MAP_COLORS.items():
        for record in (nusc_map.get(layer, token) for token in near[layer]):
            if "line_token" in record:
                yield np.array(nusc_map.extract_line(record["line_token"]).coords), color, SUPERSAMPLING
                continue
            for token in record.get("polygon_tokens") or [record["polygon_token"]]:
                area = nusc_map.extract_polygon(token)
                yield np.array(area.exterior.coords), color, 0
                for hole in area.interiors:
                    yield np.array(hole.coords), GROUND, 0


def caption(text: str, *, width_px: int) -> Image.Image:
    """Return a line of text on white."""
    picture = Image.new("RGB", (width_px, 26), "white")
    ImageDraw.Draw(picture).text((6, 4), text, fill="black", font=ImageFont.load_default(15))
    return picture


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Join pictures left to right."""
    joined = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)))
    left = 0
    for picture in pictures:
        joined.paste(picture, (left, 0))
        left += picture.width
    return joined


def stacked(pictures: list[Image.Image]) -> Image.Image:
    """Join pictures top to bottom."""
    joined = Image.new("RGB", (max(p.width for p in pictures), sum(p.height for p in pictures)), "white")
    top = 0
    for picture in pictures:
        joined.paste(picture, (0, top))
        top += picture.height
    return joined


def _view(nusc: NuScenes, record: dict, *, boxes: bool = False) -> Image.Image:
    picture = Image.open(Path(nusc.dataroot) / record["filename"]).convert("RGB")
    if boxes:
        picture = Image.fromarray(_with_boxes(nusc, record, np.array(picture)))
    return picture.resize((VIEW_WIDTH_PX, round(picture.height * VIEW_WIDTH_PX / picture.width)))


def _with_boxes(
    nusc: NuScenes, record: dict, image: UInt8[np.ndarray, "height width 3"]
) -> UInt8[np.ndarray, "height width 3"]:
    _, boxes, intrinsics = nusc.get_sample_data(record["token"])
    thickness = max(1, image.shape[1] // 640)
    for box in sorted(boxes, key=lambda box: -box.center[2]):
        color = _color(nusc, box)[::-1]  # render_cv2 takes RGB and draws BGR; the picture is RGB
        box.render_cv2(image, view=intrinsics, normalize=True, colors=(color, color, color), linewidth=thickness)
    return image


def _color(nusc: NuScenes, box: Box) -> tuple[int, int, int]:
    red, green, blue = nusc.colormap[box.name]
    return int(red), int(green), int(blue)
