"""Every kernel with every shipped tile, as it would be launched: what is compiled ahead of time."""

from collections.abc import Callable, Iterator
from functools import partial

import torch

from glassbox.flash.kernels.launchers import LARGEST_FUSED, Made, backward, forward
from glassbox.flash.kernels.plan import Plan
from glassbox.machine import captured, configs
from glassbox.machine.launching import Launch

SEQUENCES, HEADS, KEY_HEADS, LENGTH = 2, 16, 4, 4096
HEAD_SIZES = {torch.bfloat16: (64, 128, 256), torch.float32: (64, 128, 256)}
BARE, CAUSAL = Plan(0.1), Plan(0.1, causal=True)


def other_forms() -> dict[str, Plan]:
    """Return plans: every range at once, packed sequences, a score function, and all that there is."""
    ranges = {"causal": True, "window": 1024, "sink_tokens": 4, "prefix": _made(SEQUENCES, dtype=torch.int32)}
    mask, slopes = _made(SEQUENCES, 1, LENGTH, LENGTH, dtype=torch.bool), _made(HEADS, dtype=torch.float32)
    scores = ("soft_cap", (50.0,), 0), ("alibi", (), 1)
    return {
        "ranges": Plan(0.1, **ranges),
        "packed": CAUSAL._replace(
            lengths=(LENGTH // 4, 3 * LENGTH // 4), key_lengths=(LENGTH // 4, 3 * LENGTH // 4)
        ),
        "alibi": CAUSAL._replace(scores=scores[1:], tensors=(slopes,)),
        "everything": Plan(0.1, **ranges, mask=mask, scores=scores, tensors=(slopes,)),
    }


def variants(arch: str) -> Iterator[tuple[str, Launch]]:
    """Return a name and the launch for each kernel, dtype, head size and form.

    Convention: float16 compiles to what bfloat16 does: bfloat16 stands for both. Of float32 only the causal
        form is listed. The name of the fused backward kernel is "flash_backward_fused".
    """
    with configs.target(arch):
        for dtype, sizes in HEAD_SIZES.items():
            for d in sizes:
                yield from _of_size(dtype, d)


def _of_size(dtype: torch.dtype, d: int) -> Iterator[tuple[str, Launch]]:
    exact = dtype == torch.float32
    plans = {"causal": CAUSAL} if exact else {"full": BARE, "causal": CAUSAL}
    if d == 128 and not exact:
        plans |= other_forms()
    for name, plan in plans.items():
        yield from _of_form(f"{dtype} {d} {name}".removeprefix("torch."), _tensors(dtype, d), plan)


def _of_form(name: str, tensors: tuple, plan: Plan) -> Iterator[tuple[str, Launch]]:
    q, k = tensors
    sinks = _made(HEADS, dtype=q.dtype) if plan.mask is not None else None
    yield from _named(name, partial(forward, q, k, k, plan, sinks, backend="compiled"))
    if plan is not BARE:
        for deterministic in (True, False)[: 1 + (q.shape[3] <= LARGEST_FUSED)]:
            yield from _named(name, partial(_back, q, k, plan, deterministic))


def _back(q: torch.Tensor, k: torch.Tensor, plan: Plan, deterministic: bool) -> None:
    made = Made(q, _made(*q.shape[:3], dtype=torch.float32))
    backward(q, k, k, made, q, None, plan, deterministic=deterministic, backend="compiled")


def _named(name: str, call: Callable[[], object]) -> Iterator[tuple[str, Launch]]:
    """Return the launches of a call; D is the same in every form and is listed with the deterministic one."""
    with captured() as launches:
        call()
    fused = any(_adds_up(each) for each in launches)
    for each in launches:
        kernel = "flash_backward_fused" if _adds_up(each) else each.kernel.fn.__name__
        if not (fused and kernel == "flash_delta"):
            yield f"{kernel} {name}", each


def _adds_up(launch: Launch) -> bool:
    """Tell whether this is the form of the keys' kernel that adds up dq on the way."""
    return launch.kernel.fn.__name__ == "flash_backward_keys" and launch.args[7] is not None


def _made(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def _tensors(dtype: torch.dtype, d: int) -> tuple[torch.Tensor, torch.Tensor]:
    q = _made(SEQUENCES, HEADS, LENGTH, d, dtype=dtype)
    return q, _made(SEQUENCES, KEY_HEADS, LENGTH, d, dtype=dtype)
