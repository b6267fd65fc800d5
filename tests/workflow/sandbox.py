"""A copy of the project in a temporary folder, in which a test may run, edit, and kill."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from panda.config import Config
from panda.config.load import load_config, overlay, preset_file, read_yaml, validate
from tests.conftest import ROOT

COPIED = ("panda", "baselines", "workflow", "presets", "paper", "slurm", "config.yaml")


class Sandbox:
    """The project in `folder`; the compiled founders are the checkout's own, so that tests are quick.

    `python` is the interpreter that runs Snakemake, and by it the jobs.
    """

    def __init__(self, folder: Path, *overlays: Path, python: str = sys.executable) -> None:
        self.folder = folder
        self.overlays = overlays
        self.python = python
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            source, target = ROOT / name, folder / name
            if source.is_dir():
                # With the caches of numba, which are keyed by the sources' time stamps: copies keep those.
                shutil.copytree(source, target)
            elif source.is_file():
                shutil.copy2(source, target)
        (folder / ".cache").mkdir()
        (ROOT / ".cache").mkdir(exist_ok=True)
        (folder / ".cache" / "founders").symlink_to(ROOT / ".cache" / "founders")

    @property
    def environment(self) -> dict[str, str]:
        """The test's own environment, with its interpreter and this copy of the sources first."""
        path = f"{Path(self.python).parent}{os.pathsep}{os.environ['PATH']}"
        # Runs that are compared compute what they are compared in.
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder), "PANDA_REUSE": "0"}

    @property
    def command(self) -> list[str]:
        """The call of Snakemake, with the overlays."""
        files = ["--configfile", *map(str, self.overlays)] if self.overlays else []
        return [self.python, "-m", "snakemake", *files]

    def config(self) -> Config:
        """The configuration that runs."""
        if not self.overlays:
            return load_config(self.folder / "config.yaml")
        values = read_yaml(self.folder / "config.yaml")
        files = [
            self.folder / "config.yaml",
            Path(preset_file(values["preset"], self.folder)),
            *self.overlays,
        ]
        for file in files[1:]:
            values = overlay(values, read_yaml(file))
        return validate(values, files)

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run to the end; the output is stdout and stderr together."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout[-6000:]}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start in a session of its own, to be killed."""
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
