"""Texts as QR codes in PNG files, a GIF and a terminal; and texts out of PNG, GIF and directories of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno
import zxingcpp
from PIL import Image, ImageSequence, UnidentifiedImageError

from outcry_services.wallet.cold.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["in_terminal", "texts", "write"]

SCALE = 6
"""Pixels of a square."""
STANDS = 200
"""Milliseconds that a frame of the GIF stands."""
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def write(frames: Sequence[str], directory: Path) -> Path:
    """`001.png` and on, and `all.gif`, whose path is returned; raises `UnreadableError`.

    The directory is made; one with something in it is refused, since frames of two messages would mix.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UnreadableError(f"{directory} isn't empty: frames would mix with what is there")
        images = [_image(text) for text in frames]
        for number, image in enumerate(images, start=1):
            image.save(directory / f"{number:03}.png")
        animation = directory / "all.gif"
        first, *others = _of_one_size(images)
        first.save(animation, save_all=True, append_images=others, duration=STANDS, loop=0, disposal=2)
    except OSError as error:
        raise UnreadableError(f"{directory}: {error.strerror or error}") from error
    return animation


def in_terminal(text: str) -> str:
    """The code in half blocks."""
    out = io.StringIO()
    _code(text).terminal(out, compact=True)
    return out.getvalue()


def texts(places: Sequence[Path]) -> Iterator[str]:
    """What every code in these files says; in a directory that is PNG and GIF, by name.

    A video is read by `outcry-cold`, or made into frames by `ffmpeg -i VIDEO frames/%04d.png`.
    """
    for place in places:
        if place.is_dir():
            yield from texts(sorted(file for file in place.iterdir() if file.suffix in {".png", ".gif"}))
            continue
        try:
            with Image.open(place, formats=("PNG", "GIF")) as image:
                for frame in ImageSequence.Iterator(image):
                    found = zxingcpp.read_barcodes(frame.convert("L"), formats=_QR)
                    yield from (str(code.text) for code in found)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UnreadableError(f"{place}: {error}; PNG, GIF or a directory of them is wanted") from error


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m", boost_error=False)


def _image(text: str) -> Image.Image:
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=SCALE)
    with Image.open(out) as image:
        return image.convert("L")


def _of_one_size(images: Sequence[Image.Image]) -> list[Image.Image]:
    side = max(image.width for image in images)
    made = []
    for image in images:
        page = Image.new("L", (side, side), 255)
        page.paste(image)
        made.append(page)
    return made
