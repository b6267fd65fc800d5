from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.model.embedding import draw_features
from panda.model.panda import Panda, count_parameters, load_encoder, rolled_out, rollout

Build = Callable[..., Panda]
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADS = [("mean", False), ("max", False), ("flatten", True)]

# 8 layers of width 512, context 512, horizon 128: the paper's model, as in its table of parameter counts.
PAPER = {
    "context_length": 512,
    "prediction_length": 128,
    "patch_length": 16,
    "n_layers": 8,
    "d_model": 512,
    "n_heads": 8,
    "ffn_dim": 512,
    "n_poly_features": 120,
    "n_fourier_features": 256,
}
WIDE = {"n_layers": 12, "d_model": 768, "n_heads": 12, "ffn_dim": 768, "n_poly_features": 188}


@pytest.mark.parametrize(
    ("changes", "total", "trainable"),
    [
        ({}, 21_354_624, 21_352_448),
        ({"embedding": "linear"}, 21_099_008, 21_099_008),
        ({"n_poly_features": 0, "n_fourier_features": 496}, 21_356_664, 21_352_448),
        ({"embedding": "linear", "head": "mlm"}, 21_041_680, 21_041_680),
        ({"head": "mlm"}, 21_297_296, 21_295_120),
        ({"embedding": "linear", "channel_attention": False}, 12_689_920, 12_689_920),
        (
            {
                "n_layers": 10,
                "d_model": 640,
                "n_heads": 10,
                "ffn_dim": 640,
                "n_poly_features": 156,
                "n_fourier_features": 312,
            },
            41_537_372,
            41_534_720,
        ),
        ({**WIDE, "n_fourier_features": 376}, 71_590_012, 71_586_816),
        ({**WIDE, "ffn_dim": 512, "embedding": "linear", "head": "mlm"}, 66_202_384, 66_202_384),
    ],
)
def test_parameter_counts_are_the_published(
    tiny: Callable[..., Any], changes: dict[str, Any], total: int, trainable: int
) -> None:
    assert count_parameters(Panda(tiny(**{**PAPER, **changes}), None)) == (total, trainable)


def test_features_of_seed_99_are_the_published(tiny: Callable[..., Any]) -> None:
    drawn = draw_features(tiny(**PAPER), torch.Generator().manual_seed(99))
    assert drawn.monomials[2][:4].tolist() == [[1, 3], [9, 8], [9, 8], [2, 4]]
    assert drawn.monomials[3][:3].tolist() == [[0, 1, 7], [0, 5, 11], [3, 5, 9]]
    published = torch.tensor([0.59089005, -0.39850435, -0.70808375, -1.05213809])
    assert torch.equal(drawn.fourier_weights[0, :4], published)


def test_dynamics_features_are_monomials_and_waves(build: Build) -> None:
    embedding = build().encoder.embedding
    patch = torch.randn(8, generator=torch.Generator().manual_seed(3))
    features = embedding.features(patch)
    square, cube = embedding.monomials_2[4].tolist(), embedding.monomials_3[5].tolist()
    phase = patch @ embedding.fourier_weights[:, 2] + embedding.fourier_phases[2]
    wanted = [patch[7], patch[square].prod(), patch[cube].prod(), phase.sin(), phase.cos()]
    assert torch.allclose(features[[7, 8 + 4, 8 + 6 + 5, 20 + 2, 26 + 2]], torch.stack(wanted))


@few
@given(
    batch=st.integers(1, 3),
    time=st.integers(17, 100),
    channel=st.integers(1, 12),
    head=st.sampled_from(HEADS),
)
def test_any_length_and_number_of_channels(
    build: Build, series: Callable[..., Any], batch: int, time: int, channel: int, head: tuple[str, bool]
) -> None:
    model = build(patch_length=16, n_poly_features=2, pooling=head[0], residual_on_last=head[1])
    prediction = model(series(batch, time, channel))
    assert prediction.shape == (batch, 12, channel)
    assert torch.isfinite(prediction).all()


@few
@given(channel=st.integers(2, 12), seed=st.integers(0, 99), head=st.sampled_from(HEADS))
def test_permuting_channels_permutes_the_forecast(
    build: Build, series: Callable[..., Any], channel: int, seed: int, head: tuple[str, bool]
) -> None:
    model, context = build(pooling=head[0], residual_on_last=head[1]), series(2, 64, channel, seed)
    order = torch.randperm(channel, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(model(context[..., order]), model(context)[..., order], rtol=1e-4, atol=1e-4)


def test_channel_rope_tells_channels_apart(build: Build, series: Callable[..., Any]) -> None:
    model, context = build(channel_rope=True), series(1, 64, 3)
    assert not torch.allclose(model(context.flip(2)), model(context).flip(2), atol=1e-3)


@few
@given(exponent=st.floats(-3, 3), shift=st.floats(-100, 100), head=st.sampled_from(HEADS))
def test_scaling_and_shifting_a_channel_does_so_to_its_forecast(
    build: Build, series: Callable[..., Any], exponent: float, shift: float, head: tuple[str, bool]
) -> None:
    # In float64 and with a small scale_eps, which alone breaks the symmetry.
    model = build(pooling=head[0], residual_on_last=head[1], scale_eps=1e-14).double()
    context = series(2, 64, 3).double()
    factor = torch.tensor([10.0**exponent, 1.0, 2.0]).double()
    offset = torch.tensor([shift, 0.0, -1.0]).double()
    assert torch.allclose(
        model(context * factor + offset), model(context) * factor + offset, rtol=1e-5, atol=1e-5
    )


def test_samples_of_a_batch_do_not_touch(build: Build, series: Callable[..., Any]) -> None:
    model, context = build(), series(4, 64, 3)
    alone = torch.cat([model(sample[None]) for sample in context])
    assert torch.allclose(model(context), alone, rtol=1e-5, atol=1e-5)
    changed = context.clone()
    changed[1] += torch.randn(64, 3, generator=torch.Generator().manual_seed(5))
    others = [0, 2, 3]
    assert torch.equal(model(changed)[others], model(context)[others])


def test_channels_mix_only_through_channel_attention(build: Build, series: Callable[..., Any]) -> None:
    context = series(1, 64, 3)
    changed = context.clone()
    changed[..., 2] = changed[..., 2].flip(1)
    for attends in (True, False):
        model = build(channel_attention=attends)
        same = torch.equal(model(context)[..., 0], model(changed)[..., 0])
        assert same != attends


def test_a_flat_channel_is_forecast_flat_by_the_residual(build: Build) -> None:
    model = build(pooling="flatten", residual_on_last=True)
    with torch.no_grad():
        model.head.projection.weight.zero_()
    context = torch.randn(1, 64, 2, generator=torch.Generator().manual_seed(0)).cumsum(1)
    wanted = context[:, -1:].expand(1, 12, 2)
    assert torch.allclose(model(context), wanted, atol=1e-5)


def test_flatten_head_sees_the_last_patches_and_pads_on_the_left(build: Build) -> None:
    head = build(pooling="flatten").head
    tokens = torch.randn(1, 2, 11, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(head(tokens), head(tokens[:, :, -8:]))
    padded = torch.cat((torch.zeros(1, 2, 3, 32), tokens[:, :, :5]), dim=2)
    assert torch.equal(head(tokens[:, :, :5]), head(padded))
    assert not torch.equal(head(tokens[:, :, :8]), head(tokens[:, :, :8].flip(2)))


def test_forecast_parts_agree(build: Build, series: Callable[..., Any]) -> None:
    out = build().forecast(series(2, 70, 3))
    assert torch.equal(out.prediction, out.loc + out.scale * out.normalised)


def test_half_precision_stays_near(build: Build, series: Callable[..., Any]) -> None:
    model, context = build(init_std=0.05), series(2, 64, 3)
    with torch.autocast("cpu", torch.bfloat16):
        half = model.forecast(context)
    assert half.prediction.dtype == torch.float32
    assert torch.allclose(half.normalised, model.forecast(context).normalised, atol=0.02)


def test_rollout_cuts_to_the_horizon_and_feeds_back(build: Build, series: Callable[..., Any]) -> None:
    model, context = build(), series(2, 80, 3)
    with torch.no_grad():
        first = model(context)
        grown = model(torch.cat((context, first), 1))
        slid = model(torch.cat((context, model(context[:, -64:])), 1)[:, -64:])
    assert torch.equal(rollout(model, context, 20, sliding=False), torch.cat((first, grown), 1)[:, :20])
    assert torch.equal(rollout(model, context, 24, sliding=True)[:, 12:], slid)
    with pytest.raises(PandaError, match="horizon"):
        rollout(model, context, 0, sliding=True)


def test_rolled_out_is_a_rollout_with_gradients(build: Build, series: Callable[..., Any]) -> None:
    model = build()
    context = series(2, 64, 3)
    length = model.shape.prediction_length
    whole = rolled_out(model, context, 3)
    torch.testing.assert_close(whole.prediction, rollout(model, context, 3 * length, sliding=True))
    one = model.forecast(context)
    assert all(torch.equal(a, b) for a, b in zip(rolled_out(model, context, 1), one, strict=True))
    torch.testing.assert_close(whole.normalised[:, :length], one.normalised)
    # The last pass depends on the weights through the first one too.
    last = whole.normalised[:, -length:].square().sum()
    fed = torch.cat((context, whole.prediction[:, :-length].detach()), 1)[:, -context.shape[1] :]
    alone = model.forecast(fed).prediction
    alone = ((alone - whole.loc) / whole.scale).square().sum()
    weight = model.head.projection.weight
    through, cut = (torch.autograd.grad(loss, weight)[0] for loss in (last, alone))
    torch.testing.assert_close(last, alone)
    assert not torch.allclose(through, cut)


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (torch.full((1, 64, 2), torch.nan), "finite real numbers"),
        (torch.full((1, 64, 2), torch.inf), "finite real numbers"),
        (torch.zeros(1, 64, 2, dtype=torch.complex64), "finite real numbers"),
        (torch.zeros(1, 7, 2), "a context of 7 steps is shorter than a patch of 8"),
        (torch.zeros(1, 0, 2), r"a step and a channel at least, and is \(1, 0, 2\)"),
        (torch.zeros(1, 64, 0), r"a step and a channel at least, and is \(1, 64, 0\)"),
        (torch.zeros(64, 2), r"must be \(batch, time, channel\).* and is \(64, 2\)"),
    ],
)
def test_a_context_that_cannot_be_continued_is_one_line(
    build: Build, context: torch.Tensor, words: str
) -> None:
    with pytest.raises(PandaError, match=words) as error:
        rollout(build(), context, 4, sliding=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.int64])
def test_a_context_of_any_real_numbers_is_continued(
    build: Build, series: Callable[..., Any], kind: torch.dtype
) -> None:
    model, context = build(), (10 * series(2, 64, 3)).to(kind)
    assert torch.equal(
        rollout(model, context, 20, sliding=True), rollout(model, context.float(), 20, sliding=True)
    )


def test_same_generator_same_model_and_no_global_stream(build: Build) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, two, other = build(4).state_dict(), build(4).state_dict(), build(5).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not torch.equal(one["head.projection.weight"], other["head.projection.weight"])
    assert not torch.equal(one["encoder.embedding.monomials_2"], other["encoder.embedding.monomials_2"])


def test_hidden_patches_do_not_reach_the_completion(build: Build, series: Callable[..., Any]) -> None:
    model, context = build(head="mlm", embedding="linear"), series(1, 64, 2)
    mask = torch.zeros(1, 2, 8, dtype=torch.bool)
    mask[0, 0, 3] = True
    # Two steps swapped inside the hidden patch: location and scale stay, what the model sees must too.
    swapped = context.clone()
    swapped[0, [24, 25], 0] = context[0, [25, 24], 0]
    ours, theirs = model.complete(context, mask), model.complete(swapped, mask)
    assert torch.allclose(ours.completed, theirs.completed, atol=1e-5)
    assert not torch.allclose(ours.patches, theirs.patches, atol=1e-5)
    seen = model.complete(swapped, torch.zeros_like(mask)).completed
    assert not torch.allclose(seen, model.complete(context, torch.zeros_like(mask)).completed, atol=1e-5)


def test_wrong_uses_are_named(build: Build, series: Callable[..., Any]) -> None:
    forecaster, completer, context = build(), build(head="mlm"), series(1, 64, 2)
    mask = torch.zeros(1, 2, 8, dtype=torch.bool)
    with pytest.raises(PandaError, match="'forecast' is needed"):
        completer(context)
    with pytest.raises(PandaError, match="'mlm' is needed"):
        forecaster.complete(context, mask)
    with pytest.raises(PandaError, match="one a patch"):
        completer.complete(context, mask[:, :, :5])
    with pytest.raises(PandaError, match="fewer than one patch"):
        forecaster(context[:, :7])


def test_encoder_is_taken_over_and_strangers_refused(build: Build, series: Callable[..., Any]) -> None:
    source = build(1, head="mlm", embedding="linear", context_length=128)
    model = build(2, embedding="linear")
    head = model.head.projection.weight.clone()
    load_encoder(model, source)
    tokens = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.encoder(tokens), source.encoder(tokens))
    assert torch.equal(model.head.projection.weight, head)
    with pytest.raises(PandaError, match="embedding is 'linear', this model's is 'dynamics'"):
        load_encoder(build(), source)
    with pytest.raises(PandaError, match="n_layers is 2, this model's is 1"):
        load_encoder(build(embedding="linear", n_layers=1), source)
