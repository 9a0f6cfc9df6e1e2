"""Rows that survive, and the newest of them counting."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datagen.engine import Row, read, summary
from datagen.engine.ledger import MOST_FILES, SCHEMA, Ledger

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(id: str, state: Any = "done", *, minute: float = 0, **others: Any) -> Row:
    finished = NOON + timedelta(minutes=minute)
    return Row(id=id, index=int(id[1:]), state=state, attempts=1, started=NOON, finished=finished, **others)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def test_a_row_comes_back_from_parquet_and_from_json(ledger: Ledger, tmp_path: Path) -> None:
    given = row("c3", "failed", seconds={"film": 1.5}, facts={"prompt": "ein Lkw, naß"}, error="E", traceback="T")
    ledger.append(given)
    ledger.flush()
    table = read(tmp_path)
    assert table.schema == SCHEMA
    [back] = table.to_pylist()
    assert Row(**back | {"seconds": dict(back["seconds"]), "facts": dict(back["facts"])}) == given
    assert Row.from_json(given.to_json()) == given


def test_the_newest_row_of_an_id_counts(ledger: Ledger, tmp_path: Path) -> None:
    for number, state in enumerate(["failed", "failed", "done"]):
        ledger.append(row("c1", state, minute=-number))  # by place, not by clock
        ledger.append(row("c2", "failed"))
        ledger.flush()
    assert {each["id"]: each["state"] for each in read(tmp_path).to_pylist()} == {"c1": "done", "c2": "failed"}


def test_compaction_keeps_the_newest_in_order_and_may_be_cut_short(ledger: Ledger, tmp_path: Path) -> None:
    for id, state in [("c2", "failed"), ("c1", "done"), ("c2", "done")]:
        ledger.append(row(id, state))
        ledger.flush()
    shutil.copytree(ledger.folder, tmp_path / "before")
    ledger.compact()
    [file] = ledger.folder.iterdir()
    compacted = read(tmp_path)
    assert compacted["id"].to_pylist() == ["c1", "c2"]
    for old in (tmp_path / "before").iterdir():  # as if it had died before removing the old files
        shutil.copy(old, ledger.folder)
    assert read(tmp_path).sort_by("index") == compacted
    ledger.append(row("c3"))
    ledger.flush()
    assert sorted(path.name for path in ledger.folder.iterdir())[-1] > file.name


def test_two_rows_of_one_id_in_one_flush_compact_to_the_last(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(row("c1", "failed"))
    ledger.append(row("c1", "done"))
    ledger.compact()
    assert read(tmp_path)["state"].to_pylist() == ["done"]


def test_the_number_of_files_stays_bounded(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(MOST_FILES + 10):
        ledger.append(row(f"c{number}"))
        ledger.flush()
    assert len(list(ledger.folder.iterdir())) < MOST_FILES
    assert len(read(tmp_path)) == MOST_FILES + 10


def test_an_unfinished_file_is_not_read(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(row("c1"))
    ledger.flush()
    (ledger.folder / "00000001.tmp").write_bytes(b"PAR1 half")
    assert len(read(tmp_path)) == 1


def test_a_run_without_a_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path).schema == SCHEMA
    assert summary(tmp_path).done == 0
    assert summary(tmp_path).finished is None


def test_the_summary_counts_names_and_times(ledger: Ledger, tmp_path: Path) -> None:
    for minute in range(21):
        ledger.append(row(f"c{minute}", minute=minute))
    for number, reason in enumerate(["off road", "crash", "crash"]):
        ledger.append(row(f"c{100 + number}", "dropped", reason=reason, minute=20))
    for number in range(12):
        ledger.append(row(f"c{200 + number}", "failed", stage="film", error=f"E{number}", minute=20 - number))
    ledger.flush()
    found = summary(tmp_path)
    assert (found.done, found.dropped, found.failed) == (21, 3, 12)
    assert list(found.drops.items()) == [("crash", 2), ("off road", 1)]
    assert found.failures[0] == ("c200", "film", "E0")
    assert len(found.failures) == 10
    assert found.finished == NOON + timedelta(minutes=20)
