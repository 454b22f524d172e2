"""How wrong a provider is, beside how fast: against float64, and against an honest run in its own dtype."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.machine.bench.case import Direction, Function
from glassbox.machine.bench.direction import provider

# Beyond both limits a provider computes something else, and its time says nothing. The second is for sums in
# another order: in float32 they differ by far more than the reference's own error, and by next to nothing.
WRONG = 16.0  # times the reference's error
LARGE = 1e-4  # of the largest value, or eight units in the last place of it


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
        ratios = [float(error / allowed) for error, allowed in zip(errors, self._allowed(), strict=True)]
        large = [bool(error > limit) for error, limit in zip(errors, self._large(), strict=True)]
        wrong = max((ratio for ratio, far in zip(ratios, large, strict=True) if far), default=0.0)
        refused = f"error {wrong:.3g} times the reference's" if wrong > WRONG else ""
        return Judgement(float(max(errors)), max(ratios), refused)

    def _misfit(self, results: Sequence[Tensor]) -> str:
        wanted = [(tuple(each.shape), str(each.dtype)[6:]) for each in self.honest]
        came = [(tuple(each.shape), str(each.dtype)[6:]) for each in results]
        return "" if came == wanted else f"made {came} instead of {wanted}"

    def _large(self) -> list[Tensor]:
        pairs = zip(self.honest, self.exact, strict=True)
        return [exact.abs().max() * max(LARGE, 8 * torch.finfo(own.dtype).eps) for own, exact in pairs]

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
