"""Rows that survive, and the newest of them counting."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datagen.engine import Place, Row, read, summary
from datagen.engine.ledger import SCHEMA, SHARD_ROWS, Writer, compact, last_session

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(id: str, state: Any = "done", *, minute: float = 0, **others: Any) -> Row:
    finished = NOON + timedelta(minutes=minute)
    return Row(id=id, index=int(id[1:]), state=state, attempts=1, started=NOON, finished=finished, **others)


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    return Place(tmp_path / "ledger")


def write(folder: Place, name: str, *rows: Row) -> None:
    writer = Writer(folder, name)
    for each in rows:
        writer.append(each)
    writer.flush()


def test_a_row_comes_back_from_parquet_and_from_json(folder: Place, tmp_path: Path) -> None:
    given = row("c3", "failed", seconds={"film": 1.5}, facts={"prompt": "ein Lkw, naß"}, error="E", traceback="T")
    write(folder, "000001-0", given)
    table = read(tmp_path)
    assert table.schema == SCHEMA
    [back] = table.to_pylist()
    assert Row(**back | {"seconds": dict(back["seconds"]), "facts": dict(back["facts"])}) == given
    assert Row.from_json(given.to_json()) == given


def test_the_row_of_the_latest_session_counts(folder: Place, tmp_path: Path) -> None:
    for session, state in enumerate(["failed", "failed", "done"]):
        write(folder, f"{session:06d}-0", row("c1", state, minute=-session), row("c2", "failed"))
    assert {each["id"]: each["state"] for each in read(tmp_path).to_pylist()} == {"c1": "done", "c2": "failed"}
    assert last_session(folder) == 2


def test_files_that_no_writer_made_are_left_alone(folder: Place, tmp_path: Path) -> None:
    write(folder, "000001-0", row("c1"))
    for name in ("00000047.parquet", "notes.parquet", ".DS_Store"):
        folder.write(name, b"something else")
    assert last_session(folder) == 1
    assert len(read(tmp_path)) == 1
    compact(folder, session=1)
    assert folder.read("notes.parquet") == b"something else"


def test_what_a_worker_says_counts_more_than_what_its_driver_feared(folder: Place, tmp_path: Path) -> None:
    write(folder, "000001-node-17", row("c1", "done"))
    write(folder, "000001-0", row("c1", "failed"))
    assert read(tmp_path)["state"].to_pylist() == ["done"]


def test_writers_do_not_disturb_each_other_and_full_shards_are_left_alone(folder: Place, tmp_path: Path) -> None:
    first, second = Writer(folder, "000001-node-1"), Writer(folder, "000001-node-2")
    for number in range(SHARD_ROWS):
        first.append(row(f"c{number}"))
    first.flush()
    full = (tmp_path / "ledger/000001-node-1.0000.parquet").read_bytes()
    first.append(row("c9998"))
    second.append(row("c9999"))
    first.flush()
    second.flush()
    assert folder.names() == [f"000001-node-{name}.parquet" for name in ("1.0000", "1.0001", "2.0000")]
    assert (tmp_path / "ledger/000001-node-1.0000.parquet").read_bytes() == full
    assert len(read(tmp_path)) == SHARD_ROWS + 2


def test_compaction_keeps_the_newest_in_order_and_may_be_cut_short(folder: Place, tmp_path: Path) -> None:
    write(folder, "000001-0", row("c2", "failed"), row("c1", "done"))
    write(folder, "000002-node-7", row("c2", "done"))
    shutil.copytree(tmp_path / "ledger", tmp_path / "before")
    compact(folder, session=2)
    assert folder.names() == ["000002-all.0000.parquet"]
    compacted = read(tmp_path)
    assert compacted["id"].to_pylist() == ["c1", "c2"]
    assert compacted["state"].to_pylist() == ["done", "done"]
    for old in (tmp_path / "before").iterdir():  # as if it had died before removing the old files
        shutil.copy(old, tmp_path / "ledger")
    assert read(tmp_path).sort_by("index") == compacted


def test_an_unfinished_file_is_not_read(folder: Place, tmp_path: Path) -> None:
    write(folder, "000001-0", row("c1"))
    (tmp_path / "ledger/000001-node-1.0000.parquet.ab12.tmp").write_bytes(b"PAR1 half")
    assert len(read(tmp_path)) == 1


def test_rows_that_wait_are_written_by_themselves(folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from datagen.engine import ledger

    monkeypatch.setattr(ledger, "FLUSH_SECONDS", 0.01)
    writer = Writer(folder, "000001-0")
    writer.append(row("c1"))
    assert writer._timer
    writer._timer.join()
    assert folder.names() == ["000001-0.0000.parquet"]


def test_a_run_without_a_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path).schema == SCHEMA
    assert summary(tmp_path).done == 0
    assert summary(tmp_path).finished is None


def test_the_summary_counts_names_and_times(folder: Place, tmp_path: Path) -> None:
    write(
        folder,
        "000001-node-1",
        *(row(f"c{minute}", minute=minute) for minute in range(21)),
        *(
            row(f"c{100 + number}", "dropped", reason=reason, minute=20)
            for number, reason in enumerate(["off road", "crash", "crash"])
        ),
    )
    write(
        folder,
        "000001-0",
        *(
            row(f"c{200 + number}", "failed", stage="film", error=f"E{number}", minute=20 - number)
            for number in range(12)
        ),
    )
    found = summary(tmp_path)
    assert (found.done, found.dropped, found.failed) == (21, 3, 12)
    assert list(found.drops.items()) == [("crash", 2), ("off road", 1)]
    assert found.failures[0] == ("c200", "film", "E0")
    assert len(found.failures) == 10
    assert found.finished == NOON + timedelta(minutes=20)
    assert found.clips_per_min == pytest.approx(22 / 9)  # 23 of minutes 11 to 20
