"""Small checkpoints with a card that says how each was made."""

import json
from hashlib import sha256

from safetensors.torch import load as load_tensors

from glassbox import paths
from glassbox.arguments import expect_choice
from glassbox.tiny.model import TinyLM


def card(name: str = "tiny") -> dict:
    """Return what is known of a checkpoint: command, seed, versions, date, data, steps, losses.

    Raises: ValueError for a name that has no card in data/weights.
    """
    expect_choice("name", name, sorted(path.stem for path in paths.data("weights").glob("*.json")))
    return json.loads(paths.data("weights", f"{name}.json").read_text(encoding="utf-8"))


def load(name: str = "tiny") -> TinyLM:
    """Return a trained model from data/weights, in evaluation mode and float32.

    Raises: ValueError if there is no such checkpoint, or its file is not the one its card describes.
    """
    known = card(name)
    content = paths.data("weights", f"{name}.safetensors").read_bytes()
    if sha256(content).hexdigest() != known["sha256"]:
        raise ValueError(
            f"data/weights/{name}.safetensors: not the file that its card describes; "
            "restore it from the repository"
        )
    model = TinyLM(**known["config"])
    model.load_state_dict(load_tensors(content))
    return model.eval()
