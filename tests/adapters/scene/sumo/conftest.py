from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("libsumo", reason='SUMO is not installed (pip install "datagen[sumo]")')
pytest.importorskip("sumolib", reason='SUMO is not installed (pip install "datagen[sumo]")')
pytest.importorskip("sumo", reason='SUMO is not installed (pip install "datagen[sumo]")')

from adapters.scene.sumo.network import Network, build_network
from datagen.scene import Place, Scene


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """`make` and `fingerprint` of the script beside."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parent / "fingerprint.py")))


@pytest.fixture(scope="session", params=[Place.DOWNTOWN, Place.RESIDENTIAL, Place.HIGHWAY], ids=str)
def network(request: pytest.FixtureRequest) -> Network:
    return build_network(3, place=request.param, extent_m=400.0)


@pytest.fixture(scope="session")
def scenes(tools: SimpleNamespace) -> list[Scene]:
    """A dozen short scenes on three networks."""
    return [tools.make(seed) for seed in range(12)]
