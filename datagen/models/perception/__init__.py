"""A small network that sees what a dataset labels: class masks, single objects, weather and light.

It is trained on real pictures (the playground's, out of the box) and is what generated pictures are measured with.
"""

from datagen.models.perception.classes import BACKGROUND, CLASSES, GROUPS, MARKING, OBJECT_CLASSES, ROAD, class_of
from datagen.models.perception.network import Percept, Perception, PerceptionSpec
from datagen.models.perception.weights import open_perception, save_perception

__all__ = [
    "BACKGROUND",
    "CLASSES",
    "GROUPS",
    "MARKING",
    "OBJECT_CLASSES",
    "ROAD",
    "Percept",
    "Perception",
    "PerceptionSpec",
    "class_of",
    "open_perception",
    "save_perception",
]
