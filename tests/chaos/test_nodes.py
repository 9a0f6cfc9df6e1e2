"""Several nodes: real raylets on this machine, one that joins, one that is killed, and a job that is submitted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

pytestmark = pytest.mark.chaos
CLIPS = 30
CHEAP = Path(__file__).with_name("cheap.py")
HEADLESS = {"include_dashboard": False, "object_store_memory": 100 * 1024**2}


@pytest.fixture
def cluster() -> Iterator[object]:
    """Yield a cluster of a head without cores and one node of two."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **HEADLESS})
    cluster.add_node(num_cpus=2, object_store_memory=HEADLESS["object_store_memory"])
    yield cluster
    cluster.shutdown()


def test_a_node_joins_and_another_is_killed_and_nothing_is_lost(cluster, make, undisturbed):
    run = make(clips=CLIPS, options={"address": cluster.address, "seconds": 0.3, "attempts": 1, "ballast": 300_000})
    process = run.start()
    run.wait_for_clips(3)
    first = next(node for node in cluster.worker_nodes)
    cluster.add_node(num_cpus=2, object_store_memory=HEADLESS["object_store_memory"])
    workers = {row["worker"] for row in run.rows().values()}
    run.wait_for_clips(8)
    cluster.remove_node(first, allow_graceful=False)
    _, said = process.communicate(timeout=900)
    assert process.returncode == 0, said
    assert {row["worker"] for row in run.rows().values()} > workers, "the node that joined has worked"
    assert run.contents() == undisturbed(CLIPS)
    assert {row["attempts"] for row in run.rows().values()} == {1}, "a dead node is nobody's fault"


def test_a_job_is_submitted(tmp_path, undisturbed):
    """`ray start --head` as docs/cluster.md says, then `ray job submit`."""
    bin = Path(sys.executable).parent
    temp = tmp_path.parent / "r"  # short: Ray puts sockets below it
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token_hex(32)}
    port, dashboard = free_port(), free_port()
    ports = [
        f"--port={port}",
        f"--dashboard-port={dashboard}",
        "--dashboard-host=127.0.0.1",
        "--node-ip-address=127.0.0.1",
    ]
    start = [bin / "ray", "start", "--head", "--num-cpus=2", f"--temp-dir={temp}", *ports, "--disable-usage-stats"]
    subprocess.run(start, check=True, env=environment, capture_output=True, timeout=600)
    try:
        (tmp_path / "scars").mkdir()
        command = [
            sys.executable,
            str(CHEAP),
            str(tmp_path / "run"),
            "--clips",
            "12",
            "--scars",
            str(tmp_path / "scars"),
        ]
        submit = [bin / "ray", "job", "submit", f"--address=http://127.0.0.1:{dashboard}", "--", *command]
        done = subprocess.run(submit, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"done": 11, "dropped": 1, "failed": 0' in done.stdout
    finally:
        stop_ray(temp)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_ray(temp: Path) -> None:
    """End the processes of the cluster whose files lie there, and of no other."""
    import psutil

    ours = [p for p in psutil.process_iter(["cmdline"]) if any(str(temp) in word for word in p.info["cmdline"] or ())]
    for process in ours:
        process.kill()
    psutil.wait_procs(ours, timeout=30)
