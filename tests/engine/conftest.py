"""One Ray for all tests of the engine: starting it takes seconds."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    from datagen.engine.cluster import connected

    with connected():
        yield
