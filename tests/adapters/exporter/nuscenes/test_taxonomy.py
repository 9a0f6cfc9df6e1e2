"""Our words and nuScenes' words say the same; the devkit is the judge."""

from __future__ import annotations

import pytest
from nuscenes.eval.detection.utils import category_to_detection_name, detection_name_to_rel_attributes

from adapters.exporter.nuscenes import taxonomy
from datagen.scene import Attribute, Category


def test_every_category_has_its_own_nuscenes_name_and_description() -> None:
    assert set(taxonomy.CATEGORY_NAMES) == set(Category) == set(taxonomy.CATEGORY_DESCRIPTIONS)
    assert len(taxonomy.CATEGORIES) == 23


def test_every_attribute_has_its_own_nuscenes_name_and_description() -> None:
    assert set(taxonomy.ATTRIBUTE_NAMES) == set(Attribute) == set(taxonomy.ATTRIBUTE_DESCRIPTIONS)
    assert len(taxonomy.ATTRIBUTES) == 8


@pytest.mark.parametrize("category", Category)
def test_detection_names_are_the_devkits(category: Category) -> None:
    assert taxonomy.DETECTION_NAMES.get(category) == category_to_detection_name(taxonomy.CATEGORY_NAMES[category])


@pytest.mark.parametrize("category", taxonomy.DETECTION_NAMES)
def test_the_attributes_that_fit_are_those_the_devkit_scores(category: Category) -> None:
    fits = {name for name in taxonomy.ATTRIBUTES if taxonomy.attribute_fits(name, taxonomy.CATEGORY_NAMES[category])}
    assert fits == set(detection_name_to_rel_attributes(taxonomy.DETECTION_NAMES[category]))


@pytest.mark.parametrize(
    ("visible", "token"), [(0.0, "1"), (0.39, "1"), (0.41, "2"), (0.6, "2"), (0.7, "3"), (0.81, "4"), (1.0, "4")]
)
def test_a_visible_share_falls_in_one_of_four_levels(visible: float, token: str) -> None:
    assert taxonomy.visibility_token(visible) == token


def test_reading_a_visibility_level_back_gives_the_same_level() -> None:
    for token in taxonomy.VISIBILITY_LEVELS:
        assert taxonomy.visibility_token(taxonomy.visible_share(token)) == token
    assert taxonomy.visible_share("") == 1.0
