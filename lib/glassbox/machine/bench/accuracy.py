"""How wrong a provider is, beside how fast: against float64, and against an honest run in its own dtype."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.machine.bench.case import Direction, Function
from glassbox.machine.bench.direction import provider

WRONG = 8.0  # beyond this it computes something else, and its time says nothing


class Judgement(NamedTuple):
    """Largest error of all results, its ratio to the reference's, and why the provider is refused ('')."""

    error: float | None
    ratio: float | None
    refused: str = ""


class Truth(NamedTuple):
    """Each result in float64, and what the plain reference makes of it in the case's dtype."""

    exact: tuple[Tensor, ...]
    honest: tuple[Tensor, ...]

    @torch.no_grad()
    def judge(self, results: Sequence[Tensor]) -> Judgement:
        """Compare results with float64.

            ratio = largest over the results of  max |got - exact| / max |honest - exact|

        Convention: where the reference is exact, half a unit in the last place of its largest stands in.
        """
        if odd := self._misfit(results):
            return Judgement(None, None, odd)
        errors = [_error(got, exact) for got, exact in zip(results, self.exact, strict=True)]
        if not all(map(torch.isfinite, errors)):
            return Judgement(None, None, "not finite where float64 is")
        ratios = [error / allowed for error, allowed in zip(errors, self._allowed(), strict=True)]
        error, ratio = float(max(errors)), float(max(ratios))
        return Judgement(error, ratio, f"error {ratio:.3g} times the reference's" if ratio > WRONG else "")

    def _misfit(self, results: Sequence[Tensor]) -> str:
        wanted = [(tuple(each.shape), str(each.dtype)[6:]) for each in self.honest]
        came = [(tuple(each.shape), str(each.dtype)[6:]) for each in results]
        return "" if came == wanted else f"made {came} instead of {wanted}"

    def _allowed(self) -> list[Tensor]:
        pairs = list(zip(self.honest, self.exact, strict=True))
        return [_error(honest, exact) or _rounding(honest, exact) for honest, exact in pairs]


def _error(got: Tensor, exact: Tensor) -> Tensor:
    return (got.double() - exact).abs().max()


def _rounding(honest: Tensor, exact: Tensor) -> Tensor:
    """Return half a unit in the last place of the largest value: what rounding alone may do to it."""
    info = torch.finfo(honest.dtype)
    return exact.abs().max() * (info.eps / 2) + info.tiny


def truth(
    direction: Direction, reference: Function, tensors: Sequence[Tensor], gradients: Sequence[Tensor]
) -> Truth:
    """Return the reference's results in float64 and in the tensors' own dtype."""
    wide = [[tensor.double() for tensor in group] for group in (tensors, gradients)]
    exact = provider(direction, reference, *wide).call()
    return Truth(exact, provider(direction, reference, tensors, gradients).call())
