"""The nouns: frozen dataclasses on numpy that every room speaks in, and nothing that does work."""

from datagen.scene.ambience import Ambience, ClosedWord, Light, Place, Weather
from datagen.scene.category import Category, Group
from datagen.scene.clip import Clip, Shot
from datagen.scene.hdmap import Area, Boundary, Divider, DividerKind, HDMap, Lane, LaneKind, Paint, Polygon
from datagen.scene.label import Attribute, Label, attribute_of
from datagen.scene.pose import SE3
from datagen.scene.prompt import Prompt
from datagen.scene.rig import Camera, Lidar, Rig
from datagen.scene.scene import (
    EGO_SE3_EGO_BOX,
    EGO_SIZE_LWH_M,
    Actor,
    Look,
    Posture,
    Recording,
    Scene,
    box_corners_m,
)
from datagen.scene.timeline import KEYFRAME_RATE_HZ, Timeline, densified, regular_timeline
from datagen.scene.trajectory import Trajectory

__all__ = [
    "EGO_SE3_EGO_BOX",
    "EGO_SIZE_LWH_M",
    "KEYFRAME_RATE_HZ",
    "SE3",
    "Actor",
    "Ambience",
    "Area",
    "Attribute",
    "Boundary",
    "Camera",
    "Category",
    "Clip",
    "ClosedWord",
    "Divider",
    "DividerKind",
    "Group",
    "HDMap",
    "Label",
    "Lane",
    "LaneKind",
    "Lidar",
    "Light",
    "Look",
    "Paint",
    "Place",
    "Polygon",
    "Posture",
    "Prompt",
    "Recording",
    "Rig",
    "Scene",
    "Shot",
    "Timeline",
    "Trajectory",
    "Weather",
    "attribute_of",
    "box_corners_m",
    "densified",
    "regular_timeline",
]
