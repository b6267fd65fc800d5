"""Averages of weights over a training."""

import pytest
import torch

from panda.model.panda import Panda
from panda.training.averaging import Average
from tests.unit.training import tiny


def _model():
    return Panda(tiny.shape(), torch.Generator().manual_seed(0))


def _set(model, value):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)


def _value(model):
    return float(next(model.parameters()).mean())


def test_it_is_the_recursion_by_hand():
    model = _model()
    _set(model, 0.0)
    average = Average(model, 0.25)
    expected = 0.0
    for step, value in enumerate((1.0, -2.0, 5.0), start=1):
        _set(model, value)
        average.update(step)
        decay = min(0.25, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert _value(average.model()) == pytest.approx(expected)
    assert _value(model) == 5.0
    # What is not trained stays as it is.
    frozen = model.state_dict()["encoder.embedding.fourier_weights"]
    assert torch.equal(average.model().state_dict()["encoder.embedding.fourier_weights"], frozen)


def test_early_averages_forget_the_start():
    model = _model()
    _set(model, 100.0)
    average = Average(model, 0.999)
    _set(model, 1.0)
    for step in range(1, 40):
        average.update(step)
    assert _value(average.model()) == pytest.approx(1.0, abs=1e-3)


def test_without_a_decay_it_is_the_model_and_keeps_nothing():
    model = _model()
    average = Average(model, 0.0)
    average.update(1)
    assert average.model() is model and not average.tensors()


def test_a_saved_average_goes_on():
    model = _model()
    average, other = Average(model, 0.5), Average(model, 0.5)
    _set(model, 3.0)
    average.update(1)
    other.load({name: tensor.clone() for name, tensor in average.tensors().items()})
    for one in (average, other):
        one.update(2)
    assert _value(average.model()) == _value(other.model())
