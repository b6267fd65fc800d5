"""Models with their matrices rounded to bfloat16: half the bytes, to be carried and scored elsewhere."""

from __future__ import annotations

from pathlib import Path

import torch

from panda.model.weights import load_model, save_model


def rounded(folder: Path, weights: dict[str, Path]) -> list[Path]:
    """Write models, by the weights of each, below a folder; the files. `load_model` takes them as any others.

    A GPU multiplies the matrices in bfloat16 anyway. Vectors, frequencies and whatever is not trained stay float32.
    """
    files = []
    for name, path in weights.items():
        model = load_model(path.parent)
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.data = parameter.data.to(torch.bfloat16)
        save_model(model, folder / name)
        files += [folder / name / "model.safetensors", folder / name / "config.json"]
    return files
