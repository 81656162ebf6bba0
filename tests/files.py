"""Files as people send them, and as people send them who mean no good. Only values, made anew for each test."""

import io
import os
import struct
import zlib
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from development.clamav import EICAR

SECRET = b"51.5007 N 0.1246 W"
"""Stands for what a photograph says besides its pixels."""
HTML = b"<html><script>alert(document.domain)</script></html>"
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
LONG_PDF = PDF.replace(b"trailer", b"%" + b" " * 2000 + b"\ntrailer")
EICAR_IN_A_PDF = PDF.replace(b"trailer", b"% " + EICAR + b"\ntrailer")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ZIP = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)


def image(form: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    """A picture that is darker on one side, so that turning it shows."""
    target = io.BytesIO()
    grey = Image.linear_gradient("L").rotate(90).resize(size)
    grey.convert(mode).save(target, form, **options)
    return target.getvalue()


def noise(side: int, form: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(target, form, **options)
    return target.getvalue()


def photograph(form: str = "JPEG", orientation: int = 1, **options: Any) -> bytes:
    """With the place where it was taken, in every way that this form knows."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    exif[ExifTags.Base.Orientation] = orientation
    more: dict[str, Any] = {"exif": exif, **options}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        more["pnginfo"] = text
    elif form == "JPEG":
        more.setdefault("comment", SECRET)
    return image(form, xmp=SECRET, **more) if form == "WEBP" else image(form, **more)


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few hundred bytes that says it has 2.5 thousand million pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(bytes(1000)))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


class Sent:
    """A file of a form, as Starlette gives it; it counts what was read of it."""

    def __init__(self, content: bytes, *, endless: bool = False) -> None:
        self._content, self._endless, self.taken = io.BytesIO(content), endless, 0

    async def read(self, size: int = -1) -> bytes:
        found = bytes(size) if self._endless else self._content.read(size)
        self.taken += len(found)
        return found
