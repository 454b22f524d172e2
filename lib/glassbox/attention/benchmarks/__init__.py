"""What `glassbox bench attention` measures: decoding from each kind of cache, a gigabyte of it or more."""

from glassbox.attention.benchmarks import candidates, functions, inputs, peers
from glassbox.attention.benchmarks.inputs import CONTIGUOUS, LATENT, LATENT_WIDE, PAGED
from glassbox.machine.bench import Case, Goal, Operation, Table

__all__ = ("OPERATIONS",)


def head_size(case: Case) -> int:
    """Return the size that the tables of grouped attention are keyed by."""
    return case["size"]


def heads(case: Case) -> int:
    """Return the size that the table of latent attention is keyed by."""
    return case["heads"]


MLA = {
    "direction": "forward",
    "inputs": inputs.latent,
    "ours": functions.our_latent,
    "reference": functions.latent,
    "peers": peers.general(functions.latent),
    "bytes": inputs.latent_bytes,
    "flops": inputs.latent_flops,
    "table": Table("latent_decode_attention", heads, candidates.latent),
}

OPERATIONS = (
    Operation(
        "decode_attention",
        "forward",
        cases=CONTIGUOUS,
        inputs=inputs.contiguous,
        ours=functions.our_decode,
        reference=functions.decode,
        peers=(*peers.general(functions.decode), *peers.of_torch()),
        bytes=inputs.contiguous_bytes,
        flops=inputs.flops,
        table=Table("decode_attention", head_size, candidates.grouped),
    ),
    Operation(
        "paged_decode_attention",
        "forward",
        cases=PAGED,
        inputs=inputs.paged,
        ours=functions.our_paged,
        reference=functions.paged,
        peers=(*peers.general(functions.paged), *peers.of_torch_gathered()),
        bytes=inputs.paged_bytes,
        flops=inputs.flops,
        goals=(Goal(1.3, "flex"), Goal(0.80)),
        table=Table("paged_decode_attention", head_size, candidates.grouped),
    ),
    Operation("latent_decode_attention", cases=LATENT, goals=(Goal(0.75),), **MLA),
    # 242 FLOPs per byte: the matrix units are the limit; 350 of 790 TFLOP/s
    Operation("latent_decode_attention_128_heads", cases=LATENT_WIDE, goals=(Goal(0.44),), **MLA),
)
