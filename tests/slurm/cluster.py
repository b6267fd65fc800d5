"""A SLURM cluster of one node with pretended GPUs, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# The only place where `srun` finds the configuration inside a job: the plugin takes SLURM_CONF away.
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
DAEMONS = ("munged", "slurmctld", "slurmd")
N_GPUS = 2
MAJOR, MINOR = 1, 3  # the device number of /dev/null, which our pretended GPUs share

CONFIG = """\
ClusterName=test
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={state}/munge.socket
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2
MpiDefault=none
MinJobAge=3600
DefMemPerCPU=1000
KillWait=5
ReturnToService=2
GresTypes=gpu
NodeName={host} CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{n_gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class ClusterError(RuntimeError):
    """The cluster cannot be had, and why."""


def missing_daemons() -> list[str]:
    """Which of the daemons are not installed."""
    return [name for name in DAEMONS if not shutil.which(name)]


class Cluster:
    """munged, slurmctld and slurmd as our own children, with all their state in one temporary folder.

    Raises:
        ClusterError: the machine has a SLURM configuration of its own, or the node does not come up.
    """

    def __init__(self) -> None:
        if SYSTEM_CONFIG.exists() or SYSTEM_CONFIG.is_symlink():
            raise ClusterError(f"{SYSTEM_CONFIG} is there already; this test would hide it, so it stops here")
        self.state = Path(tempfile.mkdtemp(prefix="panda-slurm-"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._made_folder = False

    def __enter__(self) -> Self:
        try:
            self._configure()
            self._start_munged()
            self._start("slurmctld", "-D", "-f", str(self.state / "slurm.conf"))
            self._start("slurmd", "-D", "-f", str(self.state / "slurm.conf"))
            self._await("an idle node", lambda: "idle" in output("sinfo", "--noheader", "--format=%T"))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _configure(self) -> None:
        """Write the configuration, make the pretended GPUs, link the configuration to where `srun` looks."""
        # Clients in jobs reach the socket of munged through this folder.
        self.state.chmod(0o755)
        host = socket.gethostname().split(".")[0]
        for index in range(N_GPUS):
            os.mknod(self.state / f"gpu{index}", 0o666 | stat.S_IFCHR, os.makedev(MAJOR, MINOR))
        gpus = f"NodeName={host} Name=gpu File={self.state}/gpu[0-{N_GPUS - 1}]\n"
        (self.state / "gres.conf").write_text(gpus, encoding="utf-8")
        config = CONFIG.format(
            host=host,
            state=self.state,
            n_gpus=N_GPUS,
            controller_port=_free_port(),
            node_port=_free_port(),
            # The rules ask for more than a small machine has; nothing here uses it.
            cpus=max(2, os.cpu_count() or 1),
            memory_mb=64000,
        )
        (self.state / "slurm.conf").write_text(config, encoding="utf-8")
        self._made_folder = not SYSTEM_CONFIG.parent.exists()
        SYSTEM_CONFIG.parent.mkdir(parents=True, exist_ok=True)
        SYSTEM_CONFIG.symlink_to(self.state / "slurm.conf")

    def _start_munged(self) -> None:
        """A munged with a key and a socket of its own: one that the machine may run is left alone."""
        key = self.state / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {
            "key-file": key,
            "socket": self.state / "munge.socket",
            "seed-file": self.state / "munge.seed",
        }
        files |= {"pid-file": self.state / "munge.pid", "log-file": self.state / "munge.log"}
        self._start("munged", "--foreground", *(f"--{name}={path}" for name, path in files.items()))
        self._await("the socket of munged", files["socket"].exists)

    def _start(self, name: str, *arguments: str) -> None:
        """Start a daemon in the foreground of a session of its own, out of the reach of Ctrl-C."""
        environment = {**os.environ, "SLURM_CONF": str(self.state / "slurm.conf")}
        with (self.state / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [shutil.which(name) or name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def _await(self, what: str, there, limit_s: float = 60.0) -> None:
        """Wait until it is there, as long as our daemons live."""
        end = time.monotonic() + limit_s
        while not there():
            dead = [name for name, process in self._processes.items() if process.poll() is not None]
            if dead or time.monotonic() > end:
                why = f"{', '.join(dead)} ended" if dead else f"nothing in {limit_s:.0f} s"
                raise ClusterError(
                    f"no {what.removeprefix('the ').removeprefix('an ')}: {why}\n{self.logs()}"
                )
            time.sleep(0.25)

    def logs(self) -> str:
        """The last lines of every daemon's log."""
        parts = []
        for path in sorted(self.state.glob("*.log")):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            parts.append("\n".join([f"--- {path.name}", *lines]))
        return "\n".join(parts)

    def jobs(self) -> dict[str, dict[str, str]]:
        """What the controller knows of every job so far: its record's fields by the job's id."""
        records = {}
        for line in output("scontrol", "--oneliner", "show", "job").splitlines():
            fields = dict(re.findall(r"(\S+?)=(\S*)", line))
            if "JobId" in fields:
                records[fields["JobId"]] = fields
        return records

    def _end(self) -> None:
        """Cancel what runs, end our daemons by their ids, remove the link and the state."""
        if "slurmctld" in self._processes and self._processes["slurmctld"].poll() is None:
            with contextlib.suppress(Exception):
                output("scancel", "--user=root")
                self._await("an empty queue", lambda: not output("squeue", "--noheader"), limit_s=30.0)
        for process in reversed(self._processes.values()):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if SYSTEM_CONFIG.is_symlink() and SYSTEM_CONFIG.readlink() == self.state / "slurm.conf":
            SYSTEM_CONFIG.unlink()
            if self._made_folder:
                SYSTEM_CONFIG.parent.rmdir()
        shutil.rmtree(self.state, ignore_errors=True)


def output(*command: str) -> str:
    """What a client prints; nothing if it fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
