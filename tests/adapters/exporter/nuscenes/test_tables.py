"""Tables come back as they were written, whatever is in them; tokens are what they name, for ever."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.exporter.nuscenes import tables as tables_module
from adapters.exporter.nuscenes.folders import appearing, within
from adapters.exporter.nuscenes.tables import dump, read_lines, read_table, write_lines, write_table
from adapters.exporter.nuscenes.tokens import token_of
from datagen.errors import DatasetError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=8)


@given(rows=ROWS, chunk=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_table_comes_back_as_it_was_written_however_it_is_read(rows, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables_module, "_CHUNK_CHARS", chunk)
        path = Path(folder) / "table.json"
        write_table(path, rows)
        assert list(read_table(path)) == rows == json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(rows, indent=2), encoding="utf-8")  # as nuScenes' own files are laid out
        assert list(read_table(path)) == rows


@given(rows=ROWS)
@settings(max_examples=30, deadline=None)
def test_lines_come_back_as_they_were_written(rows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_lines(Path(folder) / "rows.jsonl", rows)
        assert list(read_lines(Path(folder) / "rows.jsonl")) == rows


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"translation": [value, 0.0, 0.0]})


def test_floats_keep_all_their_digits() -> None:
    assert json.loads(dump({"x": 0.1 + 0.2}))["x"] == 0.1 + 0.2


def test_tokens_are_32_hex_digits_and_stay_the_same() -> None:
    assert token_of("category", "vehicle.car") == "f6d0631d453804dc03c700e5fb14d160"
    assert len({token_of("sample", "a", 1), token_of("sample", "a", 2), token_of("scene", "a", 1)}) == 3


@given(st.text(), st.text(), st.text(), st.text())
def test_parts_of_a_token_are_kept_apart(a: str, b: str, c: str, d: str) -> None:
    assert (token_of("t", a, b) == token_of("t", c, d)) == ((a, b) == (c, d))


@given(st.text(max_size=20))
def test_no_filename_leaves_its_root(filename: str) -> None:
    root = Path("/somewhere/dataset")
    try:
        path = within(root, filename)
    except DatasetError:
        return
    assert root in (root / path).parents or path == root
    assert ".." not in path.parts


def test_a_folder_that_fails_never_appears(tmp_path: Path) -> None:
    def fail() -> None:
        with appearing(tmp_path / "new", replace=False) as partial:
            (partial / "half").touch()
            assert not (tmp_path / "new").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_merge_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".new.partial").mkdir()
    (tmp_path / ".new.partial" / "old").touch()
    with appearing(tmp_path / "new", replace=True) as partial:
        (partial / "file").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "file"]
