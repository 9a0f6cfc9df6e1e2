"""What pixels show of the labelled world, on an empty plain."""

from __future__ import annotations

import numpy as np

from datagen.sensors.masks import SKY, Mask, bare_world, mask_of
from datagen.sensors.world import NOBODY


def seen(scene, camera, now_us: int) -> Mask:
    return mask_of(bare_world(scene).at(now_us), camera, world_SE3_ego=scene.ego.pose_at(now_us))


def test_a_block_ahead_owns_the_pixels_it_covers_and_no_others(plain, standing, camera, now_us: int) -> None:
    # A square end, 2 m wide and 2 m high, 20 m ahead of a camera 1.5 m high: 100 px * 2 / 20 = 10 px each way.
    mask = seen(plain(standing("block", x_m=20.5, category="trailer", size_lwh_m=(1.0, 2.0, 2.0))), camera, now_us)
    rows, columns = np.nonzero(mask.owner == 0)
    assert (columns.min(), columns.max()) == (95, 104)
    assert 70 < len(rows) < 105
    assert np.allclose(mask.distance_m[mask.owner == 0], 20.0, atol=0.6)


def test_above_the_horizon_is_sky_and_below_it_ground(plain, camera, now_us: int) -> None:
    mask = seen(plain(), camera, now_us)
    assert (mask.owner[:49] == SKY).all() and np.isinf(mask.distance_m[:49]).all()
    assert (mask.owner[60:] == NOBODY).all()
    # Row 60 looks down by (60.5 - 50) / 100: it meets the ground, 1.5 m below, 14.3 m ahead.
    assert abs(float(mask.distance_m[60, 100]) - 1.5 / 0.105 * np.hypot(1, 0.105)) < 0.05


def test_road_and_paint_lie_where_the_map_has_them(street, nuscenes_rig) -> None:
    now_us = street.ego.start_us
    (front,) = [camera for camera in nuscenes_rig.cameras if camera.channel == "CAM_FRONT"]
    mask = seen(street, front, now_us)
    assert mask.road[-1].mean() > 0.7
    assert 0.0 < mask.paint.sum() < 0.3 * mask.road.sum()
    assert not (mask.paint & ~mask.road).any()
    assert not mask.road[:60].any()


def test_a_bare_world_keeps_actors_in_their_own_shape_and_has_nothing_beside_the_road(street) -> None:
    world = bare_world(street)
    assert world.facades == ()
    assert len(world.puppets[0].mesh) > 100, "a van of many triangles, not a block"
