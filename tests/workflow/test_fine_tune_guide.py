"""The guide to fine-tuning, as one follows it, with fewer steps."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.workflow
QUICK = ["--set", "n_steps=2", "--set", "batch_size=2", "--set", "max_windows=5"]


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = (ROOT / "docs" / "fine-tune.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    exec(compile(block, "fine-tune.md", "exec"), {})
    lines = [
        line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S) for line in block.splitlines()
    ]
    assert [line.split()[1] for line in lines] == ["train", "forecast"]
    outputs = []
    for line in lines:
        words = [*shlex.split(line)[1:], *(QUICK if "fine-tune" in line else [])]
        done = subprocess.run(
            [sys.executable, "-m", "panda", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0].startswith("held out: 5 forecasts of 64 points\n") and "\nfine-tuning " in outputs[0]
    assert outputs[0].splitlines()[-1] == "my_model"
    assert len(pd.read_csv("data.forecast.csv")) == 64
    assert "# my_model" in Path("my_model/README.md").read_text()
