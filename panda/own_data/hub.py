"""A model saved in a folder or on the Hub, by the names and arguments that huggingface_hub's mixin has.

Not by the mixin itself: its `from_pretrained` reads a config of whatever revision is the newest before our checks see
anything.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from panda import __version__
from panda.core.errors import PandaError
from panda.core.files import write_text
from panda.core.shipped import shipped_models
from panda.model.panda import Panda, count_parameters
from panda.model.weights import save_model
from panda.own_data.model import Model

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_CARD = "README.md"


def save_pretrained(
    model: Model,
    save_directory: str | Path,
    *,
    repo_id: str | None = None,
    push: bool = False,
    commit_message: str = "Push a model of panda",
    private: bool | None = None,
    token: str | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
    api: HfApi | None = None,
) -> str | None:
    """Write `model.safetensors`, `config.json` and, unless one is there, a card; push them if asked to.

    The card is that of the folder that the model was loaded from, else one that says what it is. `repo_id` is the
    folder's name if it is not given; the rest is as for `push_to_hub`.

    Returns:
        None, or what `push_to_hub` returns.

    Raises:
        PandaError: the model has no network; it cannot be written, or pushed.
    """
    folder = Path(save_directory)
    if folder.exists() and not folder.is_dir():
        raise PandaError(f"{folder}: a file; give the name of a folder")
    digest = save_model(_network(model), folder)
    if not (folder / _CARD).exists():
        write_text(folder / _CARD, _card(model, digest))
    if not push:
        return None
    return push_to_hub(
        model,
        repo_id or folder.resolve().name,
        commit_message=commit_message,
        private=private,
        token=token,
        branch=branch,
        create_pr=create_pr,
        api=api,
        card=(folder / _CARD).read_text(encoding="utf-8"),
    )


def push_to_hub(
    model: Model,
    repo_id: str,
    *,
    commit_message: str = "Push a model of panda",
    private: bool | None = None,
    token: str | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
    api: HfApi | None = None,
    card: str | None = None,
) -> str:
    """Upload the three files of `save_pretrained`, and no other, in one commit; a repository is made if there is none.

    Args:
        repo_id: `owner/name`, or a name of one's own.
        token: the login that `hf auth login` has kept, if not given.
        branch: where the commit goes; made if it is not there.
        create_pr: open a pull request with it.
        api: who talks to the Hub; made from `token` if not given.
        card: the text of the card; else as for `save_pretrained`.

    Returns:
        The address of the commit.

    Raises:
        PandaError: the model has no network, the name is none, the Hub is out of reach or refuses.
    """
    from huggingface_hub import HfApi

    network = _network(model)
    api = HfApi(token=token) if api is None else api
    with tempfile.TemporaryDirectory() as made:
        digest = save_model(network, made)
        write_text(Path(made, _CARD), _card(model, digest) if card is None else card)
        try:
            whole_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            if branch is not None:
                api.create_branch(whole_id, branch=branch, exist_ok=True)
            commit = api.upload_folder(
                repo_id=whole_id,
                folder_path=made,
                commit_message=commit_message,
                revision=branch,
                create_pr=create_pr,
            )
        # Whatever the transport raises, of whichever HTTP library it is built on this year.
        except Exception as error:
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise PandaError(
                f"{repo_id}: not pushed to the Hub ({line}); check the name, the network, and the login (hf auth login)"
            ) from error
    return str(commit)


def _network(model: Model) -> Panda:
    if model.network is None:
        raise PandaError(f"{model.name}: a forecaster without a network, which cannot be saved")
    return model.network


def _card(model: Model, digest: str) -> str:
    """The card of the model's own folder, or one that says what it is."""
    source = model.source.get("model")
    folder = shipped_models().get(source or "") or Path(source or "")
    if source and (folder / _CARD).is_file():
        return (folder / _CARD).read_text(encoding="utf-8")
    network = _network(model)
    made_from = f", from `{source}`" if source else ""
    return f"""---
library_name: panda-pipeline
pipeline_tag: time-series-forecasting
---

# {model.name}

A forecaster of multivariate series, saved by panda {__version__}{made_from}: {count_parameters(network).total:,}
parameters, contexts of {model.patch_length} to {model.context_length} points. SHA-256 of its weights: `{digest}`.

```python
import panda

forecast = panda.load("owner/name", revision="...", sha256="{digest}").predict(series, horizon=64)
```
"""
