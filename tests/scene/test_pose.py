"""Transforms, against numbers done by hand and against pyquaternion."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyquaternion import Quaternion

from datagen.scene import SE3
from datagen.scene.pose import quat_from_rotation, quat_slerp, rotation_from_quat

units = arrays(np.float64, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1)
quats = units.map(lambda q: q / np.linalg.norm(q))
vectors = arrays(np.float64, 3, elements=st.floats(-1e4, 1e4))
poses = st.builds(lambda q, t: SE3(quat_wxyz=q, translation_m=t), quats, vectors)


def test_a_left_turn_takes_ahead_to_left():
    world_SE3_ego = SE3.from_yaw(10.0, 20.0, 0.0, np.pi / 2)
    np.testing.assert_allclose(world_SE3_ego.transform(np.array([1.0, 0.0, 0.0])), [10.0, 21.0, 0.0], atol=1e-12)


@given(poses, poses, vectors)
def test_composition_is_one_after_the_other(a_SE3_b, b_SE3_c, point):
    together = (a_SE3_b @ b_SE3_c).transform(point)
    np.testing.assert_allclose(together, a_SE3_b.transform(b_SE3_c.transform(point)), atol=1e-7)


@given(poses, vectors)
def test_the_inverse_takes_points_back(pose, point):
    np.testing.assert_allclose(pose.inverse().transform(pose.transform(point)), point, atol=1e-7)


@given(poses)
def test_a_matrix_and_back_is_the_same_transform(pose):
    np.testing.assert_allclose(SE3.from_matrix(pose.matrix).matrix, pose.matrix, atol=1e-7)


@given(quats)
def test_rotations_agree_with_pyquaternion(quat):
    np.testing.assert_allclose(rotation_from_quat(quat), Quaternion(quat).rotation_matrix, atol=1e-12)
    back = quat_from_rotation(rotation_from_quat(quat))
    assert min(np.abs(back - quat).max(), np.abs(back + quat).max()) < 1e-9


@given(quats, quats, st.floats(0.01, 0.99))
def test_slerp_agrees_with_pyquaternion(start, end, fraction):
    ours = rotation_from_quat(quat_slerp(start, end, np.array(fraction)))
    theirs = Quaternion.slerp(Quaternion(start), Quaternion(end), fraction).rotation_matrix
    if abs(np.dot(start, end)) > 1e-3:  # opposite orientations have two shortest arcs
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@given(quats, quats)
def test_slerp_gives_its_ends_exactly(start, end):
    assert (quat_slerp(start, end, np.array(0.0)) == start).all()
    assert (quat_slerp(start, end, np.array(1.0)) == end).all()
