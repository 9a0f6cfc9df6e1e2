from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.recipe.wording import filled, placeholders


def test_placeholders_are_named_once_in_order() -> None:
    assert placeholders("{b} and {a_1} and {b}, {{not}} me") == ["b", "a_1"]


@pytest.mark.parametrize(
    "text", ["{", "}", "a { b", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{{a}", "{ a }"]
)
def test_what_reaches_further_than_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no placeholder"):
        placeholders(text)


def test_values_are_put_in_as_they_are() -> None:
    assert filled("{{{a}}} {b}", {"a": "{b}", "b": "}"}) == "{{b}} }"


@given(st.text())
def test_escaped_text_comes_back_whole(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert placeholders(escaped) == []
    assert filled(escaped, {}) == text
