"""The soak: many cheap clips, a random fault every few seconds, run again until done: nobody may see it afterwards.

    python tests/chaos/soak.py [--clips 500] [--every 5] [--seed N]

The seed is printed first; with it the same faults come in the same order (when they strike depends on the machine).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
from conftest import Harmed

FAULTS = ("ray::Actor", "ray::Actor", "ray::Actor", "raylet", "gcs_server", "driver", "everything", "ctrl-c")
FATES = ("once:throws", "once:hangs", "once:stuck", "once:dies", "once:unsealed", "once:sealed", "once:greedy", "slow")


def strike(run: Harmed, fault: str) -> None:
    """Let one fault happen to a run that is at work."""
    assert run.process
    if fault == "everything":
        run.kill_everything()
    elif fault == "driver":
        run.process.kill()
    elif fault == "ctrl-c":
        run.process.terminate()
    elif victims := run.family(fault):
        try:
            victims[0].kill()
        except psutil.NoSuchProcess:
            return


def main() -> int:
    """Soak, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between faults, on average")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    ids = [f"c{n:04d}" for n in range(options.clips)]
    fates = {id: chance.choice(FATES) for id in chance.sample(ids, options.clips // 20)}
    poison = dict.fromkeys(chance.sample(sorted(set(ids) - set(fates)), max(1, options.clips // 100)), "throws")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calm").mkdir()
        calm = Harmed(str(folder / "calm/run"), folder / "calm", clips=options.clips)
        assert calm.finish(executor="local", seconds=0)[0] == 0
        (folder / "wild").mkdir()
        run = Harmed(str(folder / "wild/run"), folder / "wild", clips=options.clips, fates=fates | poison)
        run.options = {"seconds": 0.1, "time_limit": 5, "attempts": 8}
        sessions = _wild(run, chance, every_s=options.every)
        expected = {path: data for path, data in calm.contents().items() if Path(path).parts[1] not in poison}
        assert run.contents() == expected
        assert {id for id, state in run.states().items() if state == "failed"} == set(poison)
        assert set(run.states()) == set(ids)
        print(
            f"{options.clips} clips in {sessions} sessions: as if nothing had happened; {len(poison)} poisonous failed"
        )
    return 0


def _wild(run: Harmed, chance: random.Random, *, every_s: float) -> int:
    """Run again and again until it ends by itself; return how often it was started."""
    sessions = 0
    while True:
        sessions += 1
        process = run.start()
        while process.poll() is None:
            due = time.monotonic() + chance.expovariate(1 / every_s)
            while process.poll() is None and time.monotonic() < due:
                time.sleep(0.05)
            if process.poll() is None:
                fault = chance.choice(FAULTS)
                print(f"session {sessions}: {fault}", flush=True)
                strike(run, fault)
                if fault in ("driver", "everything", "ctrl-c"):
                    process.wait(timeout=900)
        out, said = process.communicate()
        if '"failed": ' in out:  # it ended by itself: Ray's own last words leave an exit code of 1 as well
            assert process.returncode == 1, said
            return sessions


if __name__ == "__main__":
    sys.exit(main())
