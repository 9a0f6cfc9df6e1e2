"""Several nodes: real raylets on this machine, one that joins, one that is killed, and a job that is submitted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import randrange
from secrets import token_hex
from shutil import which

import pytest

PATIENCE_S = 900.0
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
        f"--dashboard-agent-listen-port={free_port()}",  # the usual one may be another cluster's
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
        submit: list[Path | str] = [
            bin / "ray",
            "job",
            "submit",
            f"--address=http://127.0.0.1:{dashboard}",
            "--",
            *command,
        ]
        done = submitted(submit, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"done": 11, "dropped": 1, "failed": 0' in done.stdout
    finally:
        stop_ray(temp)


@dataclass
class Machines:
    """Network namespaces of this machine, each with a cable to the first: machines as far as Ray can tell.

    net: `10.x.y`; the head is .1 of it, the others .2, .3 …
    """

    net: str
    bridge: str
    temp: Path
    environment: dict[str, str]
    names: list[str] = field(default_factory=list)

    def add(self) -> str:
        """Plug one more in; return its name."""
        number = len(self.names) + 2
        name = f"{self.bridge}n{number}"
        ip("netns", "add", name)
        self.names.append(name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", self.bridge, "up")
        ip("-n", name, "address", "add", f"{self.net}.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def start_ray(self, name: str | None, *words: str) -> None:
        """Start a node: the head if no name is given."""
        inside = ["ip", "netns", "exec", name] if name else []
        address = f"{self.net}.{self.names.index(name) + 2 if name else 1}"
        ray = [str(Path(sys.executable).parent / "ray"), "start", f"--node-ip-address={address}"]
        common = [f"--object-store-memory={HEADLESS['object_store_memory']}", "--disable-usage-stats"]
        done = subprocess.run(
            [*inside, *ray, *common, *words], env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert done.returncode == 0, done.stdout + done.stderr


def ip(*words: str) -> None:
    """Run iproute2's `ip`. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Yield a network of one machine, the head; skipped where namespaces may not be made."""
    bridge, temp = f"dg{token_hex(2)}", tmp_path.parent / "m"
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token_hex(32)}
    net = Machines(net=f"10.{randrange(64, 250)}.{randrange(250)}", bridge=bridge, temp=temp, environment=environment)
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("address", "add", f"{net.net}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        net.add()
    except (OSError, subprocess.CalledProcessError) as error:
        subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False) if which("ip") else None
        pytest.skip(f"network namespaces cannot be made here: {error}")
    yield net
    stop_ray(temp)
    for name in net.names:
        ip("netns", "delete", name)
    ip("link", "delete", bridge)


def test_a_machine_joins_and_another_s_cable_is_pulled(machines, make, undisturbed):
    port = free_port()
    machines.start_ray(
        None, "--head", "--num-cpus=0", f"--port={port}", "--include-dashboard=false", f"--temp-dir={machines.temp}"
    )
    head = f"{machines.net}.1:{port}"
    machines.start_ray(machines.names[0], f"--address={head}", "--num-cpus=2")
    run = make(clips=CLIPS, options={"address": head, "seconds": 0.3, "attempts": 1}, environment=machines.environment)
    process = run.start()
    run.wait_for_clips(3)
    workers = {row["worker"] for row in run.rows().values()}
    machines.start_ray(machines.add(), f"--address={head}", "--num-cpus=2")
    run.wait_for_clips(8)
    ip("link", "set", machines.names[0], "down")
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert {row["worker"] for row in run.rows().values()} > workers, "the machine that joined has worked"
    assert run.contents() == undisturbed(CLIPS)
    assert {row["attempts"] for row in run.rows().values()} == {1}, "a pulled cable is nobody's fault"


def submitted(command: list[Path | str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Submit a job as soon as the cluster that was just started takes one."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        if "No available agent" not in done.stdout + done.stderr or time.monotonic() > deadline:
            return done
        time.sleep(1)


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
