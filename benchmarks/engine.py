"""What the engine costs: the same stages in a plain loop and through the engine, in one run.

    OMP_NUM_THREADS=1 python benchmarks/engine.py [--clips 15] [--work 1.0] [--busy] [--no-ops 100000]

Work is sleep, so that the figures are the engine's and not those of other programs on the machine; `--busy` computes
instead. Start-up (Ray's processes, one process for each worker) is reported beside it, as it is paid once a run.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import pyarrow as pa

from datagen.engine import Place, Row, Store, execute, read, summary
from datagen.engine.cluster import connected
from datagen.engine.ledger import SCHEMA, compact
from datagen.ports import Resources

WRITERS = 64
"""Of the ledger that is summed up."""

SHARES = {"plan": 0.1, "film": 0.7, "export": 0.2}
"""Stage → its part of a clip's work."""


@dataclass(frozen=True)
class Thing:
    """An item with nothing in it."""

    id: str
    workdir: Path = Path()


@dataclass
class Work:
    """A stage that takes its time."""

    name: str
    seconds: float
    busy: bool = False
    batch_size: int = 1
    resources: Resources = field(default_factory=Resources)

    def open(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to let go."""

    def run(self, batch: Sequence[Thing]) -> Sequence[Thing]:
        """Pass time, and the items on."""
        for _ in batch:
            if self.busy:
                end = time.process_time() + self.seconds
                while time.process_time() < end:
                    pass
            else:
                time.sleep(self.seconds)
        return batch


def things(count: int) -> Iterator[Thing]:
    """Yield items without end in sight."""
    return (Thing(f"clip{number:07d}") for number in range(count))


def plain(stages: Sequence[Work], *, clips: int) -> float:
    """Return the seconds per clip of a loop without an engine."""
    started = time.perf_counter()
    for thing in things(clips):
        for stage in stages:
            stage.run([thing])
    return (time.perf_counter() - started) / clips


def engine(
    stages: Sequence[Work], *, clips: int, executor: Literal["ray", "local"], workers: int = 1
) -> tuple[float, float]:
    """Return the seconds per clip once it runs, and the seconds until the first clip is done.

    It runs once a third of the clips are done: by then every worker that will be has started.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        called = datetime.now(UTC)
        execute(things(clips), stages, store=store, executor=executor, workers=workers, progress=False)
        finished = sorted(read(Path(folder), ["finished"])["finished"].to_pylist())
    late = finished[clips // 3 :]
    return (late[-1] - late[0]).total_seconds() / (len(late) - 1), (finished[0] - called).total_seconds()


def status_seconds(rows: int) -> dict[str, float]:
    """Return the seconds (on the clock, and of CPU) that the summary of a ledger with that many rows takes.

    growing: 64 workers' shards.  finished: one file.
    """
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Place(Path(folder) / "ledger")
        now = datetime.now(UTC)
        row = Row(id="", index=0, state="done", attempts=1, started=now, finished=now, facts={"prompt": "rain"})
        table = pa.Table.from_pylist([row.cells()], schema=SCHEMA)
        for writer in range(WRITERS):
            index = np.arange(writer, rows, WRITERS)
            some = table.take(np.zeros(len(index), dtype=np.int64))
            some = some.set_column(
                0, "id", pa.array([f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in index.tolist()])
            )
            ledger.write_parquet(f"000001-node-{writer}.0000.parquet", some.set_column(1, "index", pa.array(index)))
        for when in ("growing", "finished"):
            started, cpu = time.perf_counter(), time.process_time()
            assert summary(Path(folder)).done == rows
            figures[f"status_{when}_s"] = time.perf_counter() - started
            figures[f"status_{when}_cpu_s"] = time.process_time() - cpu
            compact(ledger, session=1)
    return figures


def no_ops(clips: int) -> dict[str, float]:
    """Return how many clips without work pass a stage in a second, and what the driver's memory grows by meanwhile.

    The growth is between a quarter of the clips and all of them: what comes before is start-up.
    """
    resident = psutil.Process().memory_info
    grown: dict[str, int] = {}

    def counted() -> Iterator[Thing]:
        for number, thing in enumerate(things(clips)):
            if number == clips // 4:
                grown["quarter"] = resident().rss
            yield thing
        grown["all"] = resident().rss

    with tempfile.TemporaryDirectory() as folder:
        execute(counted(), [Work("idle", 0.0)], store=Store(Path(folder)), workers=2, progress=False)
        finished = sorted(read(Path(folder), ["finished"])["finished"].to_pylist())[clips // 4 :]
    rate = (len(finished) - 1) / (finished[-1] - finished[0]).total_seconds()
    return {"ray_no_op_clips_per_s": rate, "driver_growth_mib": (grown["all"] - grown["quarter"]) / 2**20}


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=15)
    parser.add_argument("--work", type=float, default=1.0, help="seconds of work in a clip")
    parser.add_argument("--busy", action="store_true", help="compute instead of sleeping")
    parser.add_argument("--no-ops", type=int, default=100_000, help="clips without work, for the rate of scheduling")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the ledger that is summed up")
    options = parser.parse_args()
    stages = [Work(name, share * options.work, busy=options.busy) for name, share in SHARES.items()]
    figures: dict[str, float] = {"clips": options.clips, "work_s": options.work}
    figures["plain_s_per_clip"] = base = plain(stages, clips=options.clips)
    in_process, _ = engine(stages, clips=options.clips, executor="local")
    started = time.perf_counter()
    with connected():
        figures["ray_start_s"] = time.perf_counter() - started
        one, figures["first_clip_s"] = engine(stages, clips=options.clips, executor="ray")
        two, _ = engine(stages, clips=options.clips * 2, executor="ray", workers=2)
        idle = no_ops(options.no_ops)
    figures["local_overhead_percent"] = 100 * (in_process / base - 1)
    figures["ray_overhead_percent"] = 100 * (one / base - 1)
    figures["ray_speed_up_2_workers"] = one / two
    figures["driver_peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= idle | status_seconds(options.rows)
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
