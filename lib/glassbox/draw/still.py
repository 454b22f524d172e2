"""The still picture beside each figure: what a viewer without plotly shows.

Needs kaleido and a Chrome or Chromium, so only `glassbox build` makes these; readers need neither.
"""

import asyncio
import io
import os
import shutil
from collections.abc import Sequence
from threading import Thread

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from glassbox.arguments import bad_value
from glassbox.draw.multiples import MOST_PANELS, Tile, tiles
from glassbox.draw.theme import PAPER

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
COLORS = 128
ADVICE = (
    "no Chrome or Chromium found, which draws the still pictures: install one "
    "(Debian: `apt install chromium`), or set CHROME_PATH to its program"
)


def still(figures: Sequence[dict], alt: str) -> bytes:
    """Return a PNG of one figure (plotly JSON), or of two to four side by side; the file keeps `alt`."""
    return stills([figures], [alt])[0]


def stills(pictures: Sequence[Sequence[dict]], alts: Sequence[str] | None = None) -> list[bytes]:
    """Return one PNG per list of figures, all from one browser session.

    Each figure is plotly JSON, the name of its state under "state". The same input gives the same bytes on
    the same machine.
    Raises: ValueError for a picture of no figure or more than four; RuntimeError where no browser is found.
    """
    for figures in pictures:
        if not 1 <= len(figures) <= MOST_PANELS:
            raise bad_value("pictures", f"1 to {MOST_PANELS} figures in each", len(figures))
    plans = [tiles(figures) for figures in pictures]
    drawn = iter(_drawn([tile for plan in plans for tile in plan]))
    return [
        _png(_joined([(tile, next(drawn)) for tile in plan]), alt)
        for plan, alt in zip(plans, alts or [""] * len(plans), strict=True)
    ]


def browser() -> str | None:
    """Return the program that draws: CHROME_PATH, BROWSER_PATH or a Chrome on the search path."""
    named = os.environ.get("CHROME_PATH") or os.environ.get("BROWSER_PATH")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


def _drawn(plan: Sequence[Tile]) -> list[bytes]:
    """Draw all tiles in a thread of its own: a notebook's own event loop may be running here."""
    result: list = []

    def work() -> None:
        try:
            result.append(asyncio.run(_draw(plan)))
        except Exception as error:
            result.append(error)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


async def _draw(plan: Sequence[Tile]) -> list[bytes]:
    from choreographer.errors import BrowserFailedError, ChromeNotFoundError
    from kaleido import Kaleido

    try:
        async with Kaleido(path=browser(), mathjax=False) as session:
            return [await session.calc_fig(tile.figure, opts=_size(tile)) for tile in plan]
    except (ChromeNotFoundError, BrowserFailedError, FileNotFoundError) as error:
        raise RuntimeError(ADVICE) from error


def _size(tile: Tile) -> dict:
    return {"format": "png", "width": tile.width, "height": tile.height, "scale": 1}


def _joined(drawn: list[tuple[Tile, bytes]]) -> Image.Image:
    width = max(tile.left + tile.width for tile, _ in drawn)
    height = max(tile.top + tile.height for tile, _ in drawn)
    picture = Image.new("RGB", (width, height), PAPER)
    for tile, png in drawn:
        picture.paste(Image.open(io.BytesIO(png)).convert("RGB"), (tile.left, tile.top))
    return picture


def _png(picture: Image.Image, alt: str) -> bytes:
    """Return the picture with a palette of few colours, without a date or a program's name."""
    notes = PngInfo()
    notes.add_itxt("Description", alt)
    file = io.BytesIO()
    few = picture.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True, pnginfo=notes if alt else None)
    return file.getvalue()
