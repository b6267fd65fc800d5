from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.model.patching import patchify, random_mask
from panda.model.rope import rotate, rotation
from panda.model.scaling import location_and_scale


def test_patches_are_aligned_to_the_right() -> None:
    series = torch.arange(2 * 11 * 3, dtype=torch.float32).reshape(2, 11, 3)
    patches = patchify(series, patch_length=4)
    assert patches.shape == (2, 3, 2, 4)
    assert torch.equal(patches[1, 2].flatten(), series[1, 3:, 2])
    with pytest.raises(PandaError, match="3 steps"):
        patchify(series[:, :3], patch_length=4)


@settings(max_examples=30, deadline=None)
@given(n_patches=st.integers(1, 40), percent=st.integers(1, 99), seed=st.integers(0, 1000))
def test_masks_hide_the_same_number_in_every_channel(n_patches: int, percent: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = random_mask(3, 2, n_patches, mask_ratio=percent / 100, generator=generator)
    n_hidden = n_patches - (n_patches * (100 - percent)) // 100
    assert mask.dtype == torch.bool
    assert (mask.sum(-1) == n_hidden).all()


def test_masks_are_uniform_and_differ_between_channels() -> None:
    mask = random_mask(4000, 2, 8, mask_ratio=0.5, generator=torch.Generator().manual_seed(0))
    assert (mask.float().mean(0) - 0.5).abs().max() < 0.04
    assert (mask[:, 0] != mask[:, 1]).any(-1).float().mean() > 0.95


def test_location_and_scale_are_of_the_population() -> None:
    context = torch.tensor([[[1.0, 5.0], [3.0, 5.0]]])
    loc, scale = location_and_scale(context, scale_eps=0.25)
    assert loc.flatten().tolist() == [2.0, 5.0]
    assert torch.allclose(scale.flatten(), torch.tensor([1.25**0.5, 0.5]))


def test_rotation_keeps_length_and_depends_on_distance_only() -> None:
    by = rotation(9, 16, rope_fraction=0.75, max_wavelength=500.0, like=torch.zeros(1, dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 16, generator=generator, dtype=torch.float64).expand(2, 9, 16)
    turned_query, turned_key = rotate(query, by), rotate(key, by)
    assert torch.allclose(turned_query.norm(dim=-1), query.norm(dim=-1))
    scores = turned_query @ turned_key.T
    assert torch.allclose(scores[1:, 1:], scores[:-1, :-1])
    assert not torch.allclose(scores[0, 0], scores[0, 1])
    # 6 of the 8 pairs turn; the last two, features 6, 7 and 14, 15, stay.
    still = [6, 7, 14, 15]
    assert torch.equal(turned_query[:, still], query[:, still])
    assert (turned_query[8, [0, 5, 8, 13]] != query[8, [0, 5, 8, 13]]).all()
