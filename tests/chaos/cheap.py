"""A run of cheap clips that a test can start, harm and start again: `python cheap.py RUN --clips 20 …`.

Every clip passes plan, film and judge, and leaves files that depend on nothing but its id. A fate makes one misbehave:

    throws   hangs   stuck (hangs where Python cannot interrupt it)   greedy (takes all memory)   dies
    unsealed (its worker dies between the writing of its seal and the rename)   sealed (… between rename and row)
    once:<fate> (only the first time)   slow
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datagen.engine import Store, execute
from datagen.errors import ClipError, DatagenError
from datagen.ports import Dropped, Resources


@dataclass(frozen=True, kw_only=True)
class Cheap:
    """A clip. ballast: what a scene weighs on its way from stage to stage."""

    id: str
    fate: str = ""
    workdir: Path = Path()
    ballast: bytes = b""


@dataclass
class Step:
    """A stage: passes time, writes a file, and does to its process what the clip's fate says."""

    name: str
    seconds: float
    scars: Path
    batch_size: int = 1
    resources: Resources = field(default_factory=Resources)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def run(self, batch: Sequence[Cheap]) -> list[Any]:
        return [self._one(clip) for clip in batch]

    def _one(self, clip: Cheap) -> Any:
        time.sleep(self.seconds)
        before = b"".join(path.read_bytes() for path in sorted(clip.workdir.glob("*.bin")))
        content = hashlib.sha256(before + f"{clip.id} {self.name}".encode()).digest() * 2000
        (clip.workdir / f"{self.name}.bin").write_bytes(content)
        if self.name == ("judge" if clip.fate.endswith("sealed") else "film"):  # the last stage's worker settles
            suffer(self._fate(clip))
        if self.name == "judge" and clip.id.endswith("7"):
            return Dropped(reason="a seven")
        return clip

    def _fate(self, clip: Cheap) -> str:
        scar = self.scars / clip.id
        again = scar.exists()
        scar.touch()
        once, _, fate = clip.fate.rpartition(":")
        return "" if once and again else fate


def suffer(fate: str) -> None:
    """Let a fate have its way with this process."""
    match fate:
        case "throws":
            raise ClipError("no road under the wheels")
        case "hangs":
            threading.Event().wait()
        case "stuck":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            threading.Event().wait()
        case "greedy":
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (virtual + (64 << 20), resource.RLIM_INFINITY))
            try:
                bytearray(max(used, 1 << 30))
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "slow":
            time.sleep(3.0)
        case "unsealed" | "sealed":
            _die_at_rename(after=fate == "sealed")


def _die_at_rename(*, after: bool) -> None:
    rename = Path.rename

    def die(self: Path, target: Path) -> Path:
        if target.parent.name == "clips":
            if after:
                rename(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.rename = die  # type: ignore[method-assign, assignment]


def main() -> int:
    """Run, print the totals, and end with the exit code that `datagen run` would have."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--fates", type=json.loads, default={})
    parser.add_argument("--scars", type=Path, required=True)
    parser.add_argument("--address")
    parser.add_argument("--executor", default="ray")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--ballast", type=int, default=0)
    options = parser.parse_args()
    clips = [
        Cheap(id=f"c{n:04d}", fate=options.fates.get(f"c{n:04d}", ""), ballast=bytes(options.ballast))
        for n in range(options.clips)
    ]
    stages = [Step(name, options.seconds, options.scars) for name in ("plan", "film", "judge")]
    try:
        totals = execute(
            clips,
            stages,
            store=Store(options.run),
            executor=options.executor,
            address=options.address,
            workers=options.workers,
            attempts=options.attempts,
            time_limit_s=options.time_limit,
            facts={"recipe": "cheap"},
        )
    except KeyboardInterrupt:
        return 130
    except DatagenError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"done": totals.done, "dropped": totals.dropped, "failed": totals.failed}))
    return 1 if totals.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal: jobs in the background ignore Ctrl-C
    sys.exit(main())
