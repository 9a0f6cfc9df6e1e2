"""Shares that always fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.engine.placement import Node, lanes, placement
from datagen.errors import InputError
from datagen.ports import Resources


def test_a_lane_is_a_core_unless_a_stage_wants_more() -> None:
    assert lanes([Resources(cpus=0.1), Resources()], nodes=[Node(cpus=4)]) == 4
    assert lanes([Resources(cpus=2.0), Resources()], nodes=[Node(cpus=4)]) == 2
    assert lanes([Resources(cpus=8.0)], nodes=[Node(cpus=2)]) == 1


def test_requests_shrink_alike_until_each_stage_fits_into_a_lane() -> None:
    shares = placement([Resources(cpus=0.5), Resources(cpus=2.0)], nodes=[Node(cpus=2, gpus=0)], workers=2)
    assert [share.cpus for share in shares] == [0.2, 0.8]
    assert [share.threads for share in shares] == [1, 2]
    assert [share.computes for share in shares] == [False, True]
    assert [share.most for share in shares] == [2, 2]


def test_modest_requests_stay_as_they_are() -> None:
    shares = placement([Resources(cpus=0.25), Resources(cpus=0.5)], nodes=[Node(cpus=4, gpus=0)], workers=4)
    assert [share.cpus for share in shares] == [0.25, 0.5]


def test_on_one_gpu_planner_map_and_film_share_the_card() -> None:
    needs = [Resources(gpus=0.3), Resources(gpus=0.2), Resources(gpus=1.0), Resources()]
    shares = placement(needs, nodes=[Node(cpus=16, gpus=1)], workers=16)
    held = [share.gpus for share in shares]
    assert sum(held) <= 1
    assert held[2] / held[0] == pytest.approx(1.0 / 0.3, rel=1e-3)
    assert [share.most for share in shares] == [1, 1, 1, 16]


def test_on_eight_gpus_film_takes_what_it_can_use() -> None:
    shares = placement([Resources(gpus=0.2), Resources(gpus=1.0)], nodes=[Node(cpus=64, gpus=8)], workers=64)
    assert [share.gpus for share in shares] == [0.2, 1.0]
    assert [share.most for share in shares] == [5, 7]  # film seven whole cards, the planner the eighth


def test_without_a_gpu_nobody_asks_for_one() -> None:
    assert placement([Resources(gpus=1.0)], nodes=[Node(cpus=2, gpus=0)], workers=2)[0].gpus == 0


def test_a_worker_cannot_hold_two_gpus() -> None:
    with pytest.raises(InputError, match="one GPU at most; asked for: 2"):
        placement([Resources(gpus=2.0)], nodes=[Node(cpus=2, gpus=4)], workers=2)


def test_a_lane_lies_on_one_machine() -> None:
    pair = [Node(cpus=3), Node(cpus=3)]
    assert lanes([Resources(cpus=2.0)], nodes=pair) == 2
    assert lanes([Resources(cpus=2.0)], nodes=[Node(cpus=6)]) == 3
    shares = placement([Resources(cpus=2.0), Resources(cpus=2.0)], nodes=pair, workers=2)
    assert [share.cpus for share in shares] == [1.5, 1.5]


@given(
    needs=st.lists(st.builds(Resources, cpus=st.floats(0, 16), gpus=st.floats(0, 1)), min_size=1, max_size=8),
    nodes=st.lists(st.builds(Node, cpus=st.integers(1, 64), gpus=st.integers(0, 8)), min_size=1, max_size=4),
    workers=st.integers(1, 64),
)
def test_all_workers_fit_together(needs: list[Resources], nodes: list[Node], workers: int) -> None:
    shares = placement(needs, nodes=nodes, workers=workers)
    assert workers * sum(share.cpus for share in shares) <= sum(node.cpus for node in nodes) + 1e-6
    assert sum(share.gpus * share.most for share in shares if share.gpus) <= sum(node.gpus for node in nodes) + 1e-6
    assert all(1 <= share.most <= workers for share in shares)
