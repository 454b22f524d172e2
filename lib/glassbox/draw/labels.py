"""Where labels go: beside their points, on no other label, and on a line only where nothing else is free."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

LETTER, LINE = 7, 18  # pixels that one letter and one line of text take
GAP = 9  # pixels between a point and its label
OWN, OTHER = 6, 8  # pixels that a label keeps from its own point's centre, and from another's
STEP = 6  # pixels between the places at which a line is looked at
SIDES = ("right", "left", "center")
NEAR = (0, 0.65, 0.95)  # distances of a label that needs no line to its point, in lines; the last one centred
FAR = (1.6, 2.4, 3.3, 4.3)

Spot = tuple[float, float]


class Box(NamedTuple):
    """A rectangle in pixels; up is larger."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: "Box") -> bool:
        """Tell whether the two share any area."""
        across = min(self.right, other.right) > max(self.left, other.left)
        return across and min(self.high, other.high) > max(self.low, other.low)


class Label(NamedTuple):
    """A text, the data coordinates of its anchor and the side of the anchor on which it stands.

    `lead` is the point that the label belongs to, where it stands so far away that a line must lead to it.
    """

    text: str
    x: float
    y: float
    side: str
    lead: Spot | None = None


class Sheet:
    """A log-log plot of a size in pixels, and what is already on it."""

    def __init__(self, x: Spot, y: Spot, size: Spot):
        """`x` and `y` are the ends of the axes as powers of ten."""
        self.x, self.y, self.size = x, y, size
        self.points: list[Spot] = []
        self.taken: list[Box] = []
        self.faint: list[Box] = []
        self.labels: list[Box] = []

    def spot(self, x: float, y: float) -> Spot:
        """Return the pixels of a point."""
        across = (math.log10(x) - self.x[0]) / (self.x[1] - self.x[0])
        up = (math.log10(y) - self.y[0]) / (self.y[1] - self.y[0])
        return across * self.size[0], up * self.size[1]

    def value(self, spot: Spot) -> Spot:
        """Return the point of a place in pixels."""
        across, up = spot[0] / self.size[0], spot[1] / self.size[1]
        x = self.x[0] + across * (self.x[1] - self.x[0])
        return 10**x, 10 ** (self.y[0] + up * (self.y[1] - self.y[0]))

    def take_point(self, x: float, y: float) -> None:
        """Keep labels off a marker, and the labels of other points away from it."""
        self.points.append(self.spot(x, y))

    def take_mark(self, x: float, y: float) -> None:
        """Keep labels off a marker that has no label of its own."""
        self.taken.append(_square(self.spot(x, y), OWN))

    def take_corner(self, width: float, height: float) -> None:
        """Keep labels off the lower right corner, where a legend stands."""
        self.taken.append(Box(self.size[0] - width, 0, self.size[0], height))

    def take_line(self, corners: Sequence[Spot], faint: bool = False) -> None:
        """Keep labels off a line through points; off a faint one where there is room."""
        taken = self.faint if faint else self.taken
        for start, end in pairwise([self.spot(*corner) for corner in corners]):
            taken.extend(_along(start, end))

    def put(self, text: str, x: float, y: float, sides=SIDES, spare: bool = False) -> Label | None:
        """Return the first free place beside a point, and take it; None where there is none.

        A label crosses a line rather than another label, and stays near rather than off the faint lines. A
        `spare` one may be left out: it stands near its point and on no line, or not at all.
        """
        spot, own = self.spot(x, y), self.labels
        taken = self.taken + [_square(point, OWN if point == spot else OTHER) for point in self.points]
        every = taken + self.faint
        tries = ((NEAR, every, own), (NEAR, taken, own), (FAR, every, own), (FAR, taken, own))
        for distances, blocked, crossed in (*tries, (FAR, own, [])):
            places = _places(text, spot, sides, distances)
            if (label := self._put(text, (x, y), places, blocked, crossed)) or spare:
                return label
        return None

    def _put(self, text: str, point: Spot, places: Iterator[tuple], blocked, crossed) -> Label | None:
        """Return the first place that is not `blocked` and whose line to its point is not `crossed`."""
        for away, side, anchor, box in places:
            lead = _along(self.spot(*point), anchor)[2:] if away in FAR else []
            if self._free(box, blocked) and all(self._free(part, crossed) for part in lead):
                self.labels.append(box)
                self.taken += [box, *lead]
                return Label(text, *self.value(anchor), side, point if lead else None)
        return None

    def _free(self, box: Box, blocked: list[Box]) -> bool:
        inside = box.left >= 0 and box.low >= 0 and box.right <= self.size[0] and box.high <= self.size[1]
        return inside and not any(box.meets(other) for other in blocked)


def _along(start: Spot, end: Spot) -> list[Box]:
    """Return small boxes along a line, one every few pixels."""
    steps = max(1, int(math.dist(start, end) / STEP))
    across, up = end[0] - start[0], end[1] - start[1]
    shares = [step / steps for step in range(steps + 1)]
    return [_square((start[0] + across * share, start[1] + up * share), 1) for share in shares]


def _square(spot: Spot, radius: float) -> Box:
    return Box(spot[0] - radius, spot[1] - radius, spot[0] + radius, spot[1] + radius)


def _places(text: str, spot: Spot, sides: Sequence[str], distances) -> Iterator[tuple]:
    """Yield distance (in lines of text), side, anchor and box of each place, the nearest first."""
    width = LETTER * len(text)
    for away in distances:
        for sign, side in product((-1, 1) if away else (1,), sides):
            if away in FAR or (side == "center") == (away == NEAR[-1]):
                left, anchor = _placed(spot, side, sign * away * LINE, width)
                yield away, side, anchor, Box(left, anchor[1] - LINE / 2, left + width, anchor[1] + LINE / 2)


def _placed(spot: Spot, side: str, up: float, width: float) -> tuple[float, Spot]:
    """Return the left end and the anchor of a label on one side of a spot."""
    shift, part = {"right": (GAP, 0), "left": (-GAP, 1), "center": (0, 0.5)}[side]
    anchor = spot[0] + shift, spot[1] + up
    return anchor[0] - part * width, anchor
