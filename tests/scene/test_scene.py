"""Boxes, cameras and labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nuscenes.utils.data_classes import Box
from pyquaternion import Quaternion

from datagen.scene import Attribute, Category, Posture, attribute_of, box_corners_m


def test_corners_are_those_of_the_devkit():
    devkit = Box([0, 0, 0], [1.9, 4.6, 1.7], Quaternion()).corners().T
    np.testing.assert_allclose(box_corners_m((4.6, 1.9, 1.7)), devkit)


def test_resizing_a_camera_keeps_its_rays(nuscenes_rig):
    camera = nuscenes_rig.cameras[0]
    big = camera.resized(448, 256)
    corner, big_corner = np.array([224.0, 128.0, 1.0]), np.array([448.0, 256.0, 1.0])
    rays = np.linalg.solve(camera.intrinsics_px, corner), np.linalg.solve(big.intrinsics_px, big_corner)
    np.testing.assert_allclose(*rays)


@pytest.mark.parametrize(
    ("name", "posture", "speed_mps", "attribute"),
    [
        ("van", Posture.ACTIVE, 5.0, Attribute.VEHICLE_MOVING),
        ("van", Posture.ACTIVE, 0.0, Attribute.VEHICLE_STOPPED),
        ("van", Posture.PARKED, 0.0, Attribute.VEHICLE_PARKED),
        ("bicycle", Posture.RIDERLESS, 0.0, Attribute.CYCLE_WITHOUT_RIDER),
        ("bicycle", Posture.ACTIVE, 0.0, Attribute.CYCLE_WITH_RIDER),
        ("walker", Posture.ACTIVE, 1.0, Attribute.PERSON_MOVING),
        ("walker", Posture.SITTING, 0.0, Attribute.PERSON_SITTING),
        ("cone", Posture.ACTIVE, 0.0, None),
    ],
)
def test_an_attribute_follows_from_motion_and_posture(street, name, posture, speed_mps, attribute):
    found = next(actor for actor in street.actors if actor.id == name)
    assert attribute_of(replace(found, posture=posture), speed_mps) is attribute


def test_every_category_has_a_size_and_a_kind():
    for category in Category:
        assert min(category.typical_size_lwh_m) > 0
        assert category.kinds
