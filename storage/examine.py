"""A program of its own that looks at one file somebody sent: `python -I examine.py <documents> <most bytes>`.

It runs apart from everything else, with little memory and little time, because decoders are where hostile files
strike. The file comes in by standard input; what is kept of it goes out by standard output after a line with its type.
An image is drawn anew from its pixels, so that nothing else of it remains: no EXIF, no second file at its end.
The exit code says why a file is refused; 1 is a fault of ours. Nothing of our own is imported here.
"""

import io
import resource
import sys
import warnings

import filetype
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401 - the three decoders

NOT_TAKEN, UNREADABLE, TOO_MANY_PIXELS, NO_DOCUMENTS = 10, 11, 12, 13
IMAGES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
DOCUMENT = "application/pdf"
MEMORY = 1 << 30
"""Bytes of address space: four bytes a pixel, turned once, and Python itself fit in three quarters of it."""
SECONDS = 15
MOST_PIXELS = 40_000_000
"""Asked before anything is decoded. A page scanned at 600 dpi has 35 million."""
LONGEST_SIDE = 4096
"""Pixels. Larger images are made smaller: small print on a page stays readable."""
QUALITY = 90
BEGINNING = 1024
"""Where other programs look for what they know: browsers for HTML in the first bytes, readers for a PDF's end."""
NOT_IN_A_DOCUMENT = (b"<html", b"<script", b"<!doctype", b"<svg", b"<?xml", b"<body", b"mz\x90", b"pk\x03\x04")
"""Beginnings of other kinds of file; a PDF that carries one of them near its head wants to be two things."""
ZIP_END = b"PK\x05\x06"


class Refused(Exception):
    """`code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examined(content: bytes, *, documents: bool, most: int) -> tuple[str, bytes]:
    """The type and what is kept. Raises `Refused`."""
    found = filetype.guess_mime(content[:8192])
    if found == DOCUMENT:
        if not documents:
            raise Refused(NO_DOCUMENTS)
        return DOCUMENT, document(content)
    if found not in IMAGES:
        raise Refused(NOT_TAKEN)
    return written(pixels(content, IMAGES[found]), found, most)


def document(content: bytes) -> bytes:
    """As it came, if it is a PDF from its first byte to its last and nothing else besides. Raises `Refused`."""
    head = content[:BEGINNING].lower()
    end = content.rfind(b"%%EOF")
    if not head.startswith(b"%pdf-") or any(mark in head for mark in NOT_IN_A_DOCUMENT):
        raise Refused(NOT_TAKEN)
    if end < 0 or len(content) - end > BEGINNING or ZIP_END in content[end:]:
        raise Refused(UNREADABLE)
    return content


def pixels(content: bytes, form: str) -> Image.Image:
    """A new image with the same pixels, upright, without anything that stood beside them. Raises `Refused`."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # judged by the head, when the image is opened
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(content), formats=[form]) as found:
            found.load()
            plain = _plain(ImageOps.exif_transpose(found))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        raise Refused(TOO_MANY_PIXELS) from None
    except Exception:  # noqa: BLE001 - decoders raise whatever comes to them
        raise Refused(UNREADABLE) from None
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits of grey: the upper eight are seen
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def written(image: Image.Image, media_type: str, most: int) -> tuple[str, bytes]:
    """In its own form; as JPEG if that would be larger than `most`. Raises `Refused`."""
    kept = _saved(image, IMAGES[media_type])
    if len(kept) > most:
        media_type, kept = "image/jpeg", _saved(_on_white(image), "JPEG")
    if len(kept) > most:
        raise Refused(TOO_MANY_PIXELS)
    return media_type, kept


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _saved(image: Image.Image, form: str) -> bytes:
    target = io.BytesIO()
    options = {} if form == "PNG" else {"quality": QUALITY}
    image.save(target, form, **options)
    return target.getvalue()


def main() -> int:
    limit()
    documents, most = sys.argv[1] == "documents", int(sys.argv[2])
    try:
        media_type, kept = examined(sys.stdin.buffer.read(), documents=documents, most=most)
    except Refused as refused:
        return refused.code
    except MemoryError:
        return TOO_MANY_PIXELS
    sys.stdout.buffer.write(media_type.encode() + b"\n" + kept)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
