from __future__ import annotations

import pytest

from tests.unit.training import tiny


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    """A file of six trajectories of noisy waves."""
    return tiny.write_store(tmp_path_factory.mktemp("store") / "rows.arrow")
