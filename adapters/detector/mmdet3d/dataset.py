"""Datasets in nuScenes' format, any number of them at once, as mmdet3d trains on and looks at.

mmdet3d's own class reads one info file of one root. This one reads the tables themselves, of any version and split,
and joins them: a real log, a synthetic one, another. Nothing has to be converted first.

    custom_imports = dict(imports=["adapters.detector.mmdet3d.components"])
    dataset = dict(
        type="NuScenesRoots",
        sources=[
            dict(root="data/nuscenes", version="v1.0-trainval", split="train"),
            dict(root="runs/night/dataset", version="v1.0-synth", split="synth_all", synthetic=True, weight=0.5),
        ],
        load_type="mv_image_based", box_type_3d="Camera", modality=dict(use_camera=True), pipeline=...)

Beside mmdet3d's, an entry has the keys of `ENTRY_KEYS`, which may be named in `meta_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from mmdet3d.datasets import NuScenesDataset
from mmdet3d.registry import DATASETS
from mmengine.logging import print_log

from adapters.exporter.nuscenes.folders import within
from adapters.exporter.nuscenes.infos import scene_infos
from adapters.exporter.nuscenes.scene_rows import SceneRows, scenes
from adapters.exporter.nuscenes.splits import scenes_of_split
from adapters.exporter.nuscenes.tables import read_table
from datagen.errors import DatasetError

ENTRY_KEYS = ("sample_token", "scene_name", "channel", "source", "synthetic", "world_SE3_sensor")
"""source: place in `sources`.  world_SE3_sensor: 4 x 4, from the frame its boxes are in; channel: of that sensor."""

BoxFilter = Callable[[int, Sequence[str]], Bool[np.ndarray, "n"]]
"""(entry, annotation tokens) → which of its boxes are trained on this time."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One split of one dataset.

    weight: how often each of its entries is drawn, against 1 of others (by MixtureSampler).
    synthetic: whether it is what `SyntheticMixHook` mixes in.
    skip_missing: leave out what has no sensor file, as real logs on a laptop have it, instead of refusing.
    """

    root: Path
    version: str
    split: str
    weight: float = 1.0
    synthetic: bool = False
    skip_missing: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        if not (np.isfinite(self.weight) and self.weight > 0):
            raise DatasetError(f"{self.root}: the weight of a source is {self.weight}; it must be above 0")


@DATASETS.register_module()
class NuScenesRoots(NuScenesDataset):
    """The entries of all sources, in their order.

    sources: of `Source`'s fields.  use_valid_flag: train on boxes only that a LiDAR or radar point is on, in camera
    views as well; on all boxes if it is false.  filter_empty_gt: train on entries only that have a box to train on.
    farthest_m: train on boxes only whose centres are no farther from the sensor; None for all. The devkit scores none
        beyond 50 m, and in small pictures those are most of what there is to learn.
    Raises DatasetError when a table or split is not there, or a sensor file is missing.
    """

    def __init__(
        self,
        sources: Sequence[dict[str, Any]],
        *,
        use_valid_flag: bool = True,
        filter_empty_gt: bool = True,
        farthest_m: float | None = None,
        **settings: Any,
    ) -> None:
        self.sources = [Source(**source) for source in sources]
        self.keep_boxes: BoxFilter | None = None
        self._without_empty = filter_empty_gt
        self._farthest_m = float("inf") if farthest_m is None else farthest_m
        for unused in ("data_root", "ann_file", "data_prefix"):
            settings.pop(unused, None)
        super().__init__(
            data_root="",
            ann_file="",
            data_prefix={"pts": "", "sweeps": "", "img": ""},
            use_valid_flag=use_valid_flag,
            filter_empty_gt=False,  # of an empty entry mmdet3d draws another at random, from whatever source
            **settings,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the tables of every source."""
        entries: list[dict[str, Any]] = []
        for place, source in enumerate(self.sources):
            found = [
                {**entry, "source": place, "synthetic": source.synthetic}
                for info in _infos(source, cameras=self.load_type == "mv_image_based")
                for entry in self._entries(info)
            ]
            if not found:
                raise DatasetError(f"{source.root}: split '{source.split}' of '{source.version}' has no entry to read")
            entries += found
        for place, entry in enumerate(entries):
            entry["sample_idx"] = place
        return entries

    def filter_data(self) -> list[dict[str, Any]]:
        """Leave out entries without a box to train on, and note which source each of the others is from."""
        kept = self.data_list
        if self._without_empty and not self.test_mode:
            kept = [entry for entry in kept if (entry["ann_info"]["gt_labels_3d"] >= 0).any()]
        self.source_of = np.array([entry["source"] for entry in kept], dtype=np.int64)
        return kept

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return an entry, with the boxes that are near enough and that `keep_boxes` keeps."""
        entry = super().get_data_info(idx)
        if self.test_mode:
            return entry
        boxes = entry["ann_info"]
        kept = (boxes["gt_bboxes_3d"].gravity_center.norm(dim=1) <= self._farthest_m).numpy()
        if self.keep_boxes is not None:
            kept &= self.keep_boxes(idx, [str(token) for token in boxes.get("annotation_token", ())])
        if kept.all():
            return entry
        return {
            **entry,
            "ann_info": {key: values if key == "instances" else values[kept] for key, values in boxes.items()},
        }

    def _filter_with_mask(self, ann_info: dict[str, Any]) -> dict[str, Any]:
        """Keep valid boxes, or all; mmdet3d would ask for point counts, which camera views do not have."""
        return super()._filter_with_mask(ann_info) if self.use_valid_flag else ann_info

    def _entries(self, info: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield one entry for each camera, or one for the LiDAR."""
        channels = list(info["images"])
        lidar_path = info["lidar_points"]["lidar_path"]
        sweep_paths = [sweep["lidar_points"]["lidar_path"] for sweep in info.get("lidar_sweeps", ())]
        world_SE3_sensor = info.pop("world_SE3_sensor")
        common = {"sample_token": info["token"], "scene_name": info["scene_name"]}
        parsed = self.parse_data_info({**info, "sample_idx": 0})
        if isinstance(parsed, list):
            for channel, entry in zip(channels, parsed, strict=True):
                yield {**entry, **common, "channel": channel, "world_SE3_sensor": world_SE3_sensor[channel]}
            return
        parsed["lidar_points"]["lidar_path"] = parsed["lidar_path"] = lidar_path
        for sweep, path in zip(parsed.get("lidar_sweeps", ()), sweep_paths, strict=True):
            sweep["lidar_points"]["lidar_path"] = path  # mmdet3d keeps no more than the file's name
        yield {**parsed, **common, "channel": "LIDAR_TOP", "world_SE3_sensor": world_SE3_sensor["LIDAR_TOP"]}


def _infos(source: Source, *, cameras: bool) -> Iterator[dict[str, Any]]:
    """Yield what mmdet3d calls infos, with absolute paths, valid flags in every view, and where sensors were."""
    tables = source.root / source.version
    wanted = set(scenes_of_split(source.root, source.version, source.split))
    attributes = {row["token"]: row["name"] for row in read_table(tables / "attribute.json")}
    missing: list[Path] = []
    total = 0
    for scene in scenes(source.root, source.version):
        if scene.scene["name"] not in wanted:
            continue
        for info in scene_infos(scene, attributes=attributes, with_tokens=True):
            _locate(info, scene, source.root)
            _flag(info)
            gone = [path for path in _files(info, cameras=cameras) if not path.is_file()]
            total += 1
            missing += gone
            if gone and source.skip_missing:
                continue
            yield info
    if missing and not source.skip_missing:
        raise DatasetError(
            f"{source.root}: {len(missing)} sensor files of split '{source.split}' are missing, such as "
            f"{missing[0]}; complete the dataset, or set skip_missing to train on the rest"
        )
    if missing:
        print_log(f"{source.root}: {len(missing)} sensor files are missing; their samples are left out", "current")


def _locate(info: dict[str, Any], scene: SceneRows, root: Path) -> None:
    """Make paths absolute, and note where the sensors were."""
    cameras = {camera.channel: camera for camera in scene.cameras.get(info["token"], ())}
    lidar = next(
        sweep for sweep in scene.sweeps if sweep.row["is_key_frame"] and sweep.row["sample_token"] == info["token"]
    )
    for channel, image in info["images"].items():
        image["img_path"] = str(within(root, cameras[channel].row["filename"]))
    info["lidar_points"]["lidar_path"] = str(within(root, lidar.row["filename"]))
    for sweep in info.get("lidar_sweeps", ()):
        sweep["lidar_points"]["lidar_path"] = str(within(root, sweep["lidar_points"]["lidar_path"]))
    info["scene_name"] = scene.scene["name"]
    info["world_SE3_sensor"] = {
        shutter.channel: shutter.world_SE3_sensor.tolist() for shutter in (lidar, *cameras.values())
    }


def _flag(info: dict[str, Any]) -> None:
    """Give camera views the valid flag of the LiDAR's; mmdet3d's converter calls every box there valid."""
    valid = {box["annotation_token"]: box["bbox_3d_isvalid"] for box in info["instances"]}
    for view in info["cam_instances"].values():
        for box in view:
            box["bbox_3d_isvalid"] = valid[box["annotation_token"]]


def _files(info: dict[str, Any], *, cameras: bool) -> Iterable[Path]:
    if cameras:
        return [Path(image["img_path"]) for image in info["images"].values()]
    sweeps = [sweep["lidar_points"]["lidar_path"] for sweep in info.get("lidar_sweeps", ())]
    return [Path(path) for path in (info["lidar_points"]["lidar_path"], *sweeps)]
