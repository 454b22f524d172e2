"""What `glassbox bench flash` measures: attention forward and backward, by head size, and its variants."""

from functools import partial

from glassbox.flash.benchmarks import candidates, forms, functions, inputs, peers
from glassbox.flash.benchmarks.forms import CAUSAL, FULL, Form
from glassbox.machine.bench import Case, Goal, Operation, Table

__all__ = ("OPERATIONS",)

FORWARD_GOALS = {
    64: (Goal(1.15, "fa2"), Goal(0.95, "cudnn")),
    128: (Goal(1.30, "fa2"), Goal(1.35, "flex"), Goal(0.80, "cudnn")),
}
FAST_GOALS = (Goal(1.10, "fa2"), Goal(1.3, "flex"), Goal(0.65, "cudnn"))
DETERMINISTIC_GOALS = (Goal(0.90, "fa2"), Goal(1.0, "flex"))
LARGEST_FAST = 128  # beyond it there is no form with atomics


def head_size(case: Case) -> int:
    """Return the size that the tables are keyed by."""
    return case["size"]


def forward(
    name: str, form: Form, cases: tuple[Case, ...], goals=(), table: Table | None = None
) -> Operation:
    """Return the forward pass of a form."""
    return Operation(
        name,
        "forward",
        cases,
        inputs=partial(inputs.tensors, form=form),
        ours=partial(functions.ours, form=form),
        reference=partial(functions.definition, form=form),
        peers=peers.of_form(form),
        bytes=partial(inputs.forward_bytes, form=form),
        flops=partial(inputs.forward_flops, form=form),
        goals=goals,
        table=table,
    )


def backward(
    name: str, form: Form, cases: tuple[Case, ...], goals=(), table: Table | None = None,
    deterministic: bool = False, against: tuple = (),
) -> Operation:  # fmt: skip
    """Return the backward pass of a form, with atomics or without; against others than usual if given."""
    return Operation(
        name,
        "backward",
        cases,
        inputs=partial(inputs.tensors, form=form),
        ours=partial(functions.ours, form=form, deterministic=deterministic),
        reference=partial(functions.definition, form=form),
        peers=against or peers.of_form(form),
        bytes=partial(inputs.backward_bytes, form=form),
        flops=partial(inputs.backward_flops, form=form),
        goals=goals,
        table=table,
    )


def _forward_of(form: Form, size: int) -> Operation:
    table = "flash_forward" if form is FULL else "flash_forward_masked"
    name, goals = f"flash_{form.name}_forward_{size}", FORWARD_GOALS.get(size, ())
    return forward(name, form, inputs.of_size(size), goals, Table(table, head_size, candidates.forward))


def _fast_of(form: Form, size: int) -> Operation:
    table = Table("flash_backward_fused", head_size, candidates.keys)
    return backward(f"flash_{form.name}_backward_{size}", form, inputs.of_size(size), FAST_GOALS, table)


def _deterministic_of(form: Form, size: int) -> Operation:
    table = Table("flash_backward_keys", head_size, candidates.keys)
    name = f"flash_{form.name}_deterministic_{size}"
    goals = DETERMINISTIC_GOALS if size <= LARGEST_FAST else ()
    return backward(name, form, inputs.of_size(size), goals, table, deterministic=True)


def _variant(form: Form) -> tuple[Operation, Operation]:
    """Return both passes of a variant, with the launch arguments that the causal form was tuned for."""
    cases = inputs.PACKED if form is forms.PACKED else inputs.VARIED
    return (
        forward(f"flash_{form.name}_forward", form, cases, (Goal(1.3, "flex"),)),
        backward(f"flash_{form.name}_backward", form, cases, (Goal(1.15, "flex"),)),
    )


# what determinism costs; an operation tunes one table, and the deterministic pass has two
DETERMINISM = backward(
    "flash_determinism",
    CAUSAL,
    inputs.HEADLINES,
    table=Table("flash_backward_queries", head_size, candidates.queries),
    deterministic=True,
    against=(peers.fast_form(CAUSAL),),
)

OPERATIONS = (
    *(_forward_of(form, size) for form in (FULL, CAUSAL) for size in inputs.SIZES),
    *(_fast_of(form, size) for form in (FULL, CAUSAL) for size in inputs.SIZES if size <= LARGEST_FAST),
    *(_deterministic_of(form, size) for form in (FULL, CAUSAL) for size in inputs.SIZES),
    DETERMINISM,
    *(operation for form in forms.VARIANTS for operation in _variant(form)),
)
