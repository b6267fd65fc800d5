from __future__ import annotations

from panda.config.load import load_config
from panda.core.resolved import digest, path_by_content, write_by_content, write_resolved


def test_a_configuration_is_kept_under_its_content_and_reads_back_as_it_was(smoke, tmp_path):
    write_by_content(smoke, tmp_path)
    path = path_by_content(smoke, tmp_path)
    kept = load_config(path)
    assert kept == smoke and digest(kept) == digest(smoke) == path.stem
    assert path.parent == tmp_path / "config"


def test_another_configuration_leaves_the_first_alone(smoke, tmp_path):
    other = smoke.model_copy(update={"seed": smoke.seed + 1})
    write_by_content(smoke, tmp_path)
    write_by_content(other, tmp_path)
    assert load_config(path_by_content(smoke, tmp_path)) == smoke
    assert load_config(path_by_content(other, tmp_path)) == other


def test_the_same_content_is_not_written_again_and_other_content_under_its_name_is(smoke, tmp_path):
    path = path_by_content(smoke, tmp_path)
    write_by_content(smoke, tmp_path)
    before = path.stat()
    write_by_content(smoke, tmp_path)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    path.write_text(path.read_text().replace("seed: ", "seed: 1", 1))
    write_by_content(smoke, tmp_path)
    assert load_config(path) == smoke


def test_the_order_of_named_models_counts_and_the_commit_does_not(smoke, tmp_path, monkeypatch):
    definitions = dict(reversed(smoke.train.definitions.items()))
    turned = smoke.model_copy(update={"train": smoke.train.model_copy(update={"definitions": definitions})})
    assert digest(turned) != digest(smoke)
    before = digest(smoke)
    write_resolved(smoke, tmp_path / "config.yaml")
    monkeypatch.setattr("panda.core.resolved.git_state", lambda: {"commit": "0" * 40, "dirty": True})
    write_resolved(smoke, tmp_path / "config.yaml")
    assert digest(smoke) == before
    assert digest(load_config(tmp_path / "config.yaml")) == before
