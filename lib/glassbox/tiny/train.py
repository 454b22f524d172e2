"""The command that trains the tiny model: `python -m glassbox.tiny.train --out FILE.safetensors`."""

import argparse
import json
import platform
from datetime import date
from hashlib import sha256
from math import cos, pi
from pathlib import Path

import torch
from safetensors.torch import save
from torch.nn import functional as F

from glassbox.arguments import expect_whole
from glassbox.tiny.loss import bits_per_byte, counted_bits_per_byte
from glassbox.tiny.model import TinyLM
from glassbox.tiny.seeds import batches
from glassbox.tiny.text import read_text, split

PARTS = ("prose", "stories", "code")
BATCH, CONTEXT, WARM_UP, PEAK, FLOOR = 16, 256, 100, 8e-3, 0.05


def rate(step: int, steps: int) -> float:
    """Return the learning rate: linear to PEAK over WARM_UP steps, then half a cosine to FLOOR * PEAK."""
    if step < WARM_UP:
        return PEAK * (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return PEAK * (FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2)


def train(text: bytes, steps: int, seed: int = 0, report=lambda step, loss: None) -> TinyLM:
    """Return a model trained on random windows of `text` (AdamW, weight decay on matrices only)."""
    expect_whole("steps", steps, 1)
    model = TinyLM(seed=seed)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    for step, tokens in zip(range(steps), batches(text, BATCH, CONTEXT, seed), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps)
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        report(step, loss.item())
    return model


def say_every_hundred(step: int, loss: float) -> None:
    if step % 100 == 0:
        print(f"step {step:5d}  loss {loss:.3f}", flush=True)


def measure(model: TinyLM, training: bytes, validation: bytes) -> dict:
    """Return the bits per byte of the model and of the two models that only count."""
    found = {
        "train": bits_per_byte(model, training),
        "validation": bits_per_byte(model, validation),
        "unigram_validation": counted_bits_per_byte(training, validation, 1),
        "bigram_validation": counted_bits_per_byte(training, validation, 2),
    }
    return {name: round(value, 4) for name, value in found.items()}


def describe(model: TinyLM, command: str, seed: int, steps: int, text: str) -> dict:
    """Return the card of a checkpoint: all but its losses and the hash of its file."""
    return {
        "command": command,
        "seed": seed,
        "steps": steps,
        "batch": BATCH,
        "context": CONTEXT,
        "optimiser": f"AdamW, peak rate {PEAK}, {WARM_UP} steps of warm-up, cosine to {FLOOR} of the peak",
        "config": model.config,
        "parameters": sum(p.numel() for p in model.parameters()),
        "data": {
            "language": "en",
            "parts": list(PARTS),
            "sha256": sha256(text.encode("utf-8")).hexdigest(),
            "note": "sums are left out, so that they are a new task; validation blocks are never trained on",
        },
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]},
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Train the tiny model on the English corpus, without its sums."
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="the .safetensors file; its card goes beside it"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=3000)
    chosen = parser.parse_args(arguments)
    out, seed, steps = chosen.out, chosen.seed, chosen.steps
    text = read_text("en", PARTS)
    training, validation = (half.encode("utf-8") for half in split(text))
    model = train(training, steps, seed, say_every_hundred)
    out.write_bytes(save(model.state_dict()))
    command = f"python -m glassbox.tiny.train --out {out.as_posix()} --seed {seed} --steps {steps}"
    card = describe(model, command, seed, steps, text) | {
        "bits_per_byte": measure(model, training, validation),
        "sha256": sha256(out.read_bytes()).hexdigest(),
    }
    out.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8", newline="\n")
    print(card["bits_per_byte"])


if __name__ == "__main__":
    main()
