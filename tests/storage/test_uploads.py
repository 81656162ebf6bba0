"""What is kept of a file: the pixels of an image and nothing else, a PDF only where it is scanned, else nothing."""

import asyncio
import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from storage import examine, uploads
from storage.uploads import MEGABYTE, RULES, Refusal, Refused, Rules, Upload
from tests import files
from tests.files import Sent

SCANNED = Rules(documents=True)
FORMS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def opened(upload: Upload) -> Image.Image:
    return Image.open(io.BytesIO(upload.content))


async def refusal(content: bytes, rules: Rules = RULES) -> Refusal:
    with pytest.raises(Refused) as refused:
        await uploads.accepted(Sent(content), rules)
    return refused.value.kind


# ---- images ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
async def test_an_image_is_drawn_anew_in_its_own_form(form: str) -> None:
    sent = files.image(form, (640, 480))
    kept = await uploads.accepted(Sent(sent))
    assert kept.media_type == FORMS[form]
    assert kept.content != sent or form == "PNG"
    assert opened(kept).size == (640, 480)


@pytest.mark.parametrize("form", FORMS)
async def test_nothing_that_stood_beside_the_pixels_is_kept(form: str) -> None:
    sent = files.photograph(form)
    assert files.SECRET in sent
    kept = await uploads.accepted(Sent(sent))
    assert files.SECRET not in kept.content
    assert not opened(kept).getexif()
    assert not {"exif", "xmp", "comment", "Comment", "icc_profile"} & set(opened(kept).info)


async def test_a_photograph_that_lay_on_its_side_stands_upright_though_nothing_says_so_any_more() -> None:
    kept = opened(await uploads.accepted(Sent(files.photograph("JPEG", orientation=6))))
    assert kept.size == (48, 64)


@pytest.mark.parametrize("tail", [files.HTML, files.ZIP, files.PDF], ids=["HTML", "zip", "PDF"])
@pytest.mark.parametrize("form", FORMS)
async def test_a_second_file_behind_an_image_is_gone(form: str, tail: bytes) -> None:
    kept = await uploads.accepted(Sent(files.image(form) + tail))
    assert tail not in kept.content
    assert kept.media_type == FORMS[form]


async def test_a_pdf_that_hides_in_the_head_of_an_image_is_gone() -> None:
    sent = files.photograph("JPEG", comment=files.PDF + files.HTML)
    assert b"%PDF-" in sent[:1024]
    kept = await uploads.accepted(Sent(sent))
    assert b"%PDF-" not in kept.content
    assert b"script" not in kept.content


async def test_what_can_be_seen_through_stays_so() -> None:
    kept = opened(await uploads.accepted(Sent(files.image("PNG", mode="RGBA"))))
    assert kept.mode == "RGBA"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
async def test_images_of_few_or_many_greys_are_taken(mode: str) -> None:
    target = io.BytesIO()
    Image.new(mode, (30, 20)).save(target, "PNG")
    assert opened(await uploads.accepted(Sent(target.getvalue()))).size == (30, 20)


async def test_sixteen_bits_of_grey_become_eight_that_look_the_same() -> None:
    target = io.BytesIO()
    Image.new("I;16", (4, 4), 0x8000).save(target, "PNG")
    assert opened(await uploads.accepted(Sent(target.getvalue()))).getpixel((0, 0)) == 0x80


async def test_a_jpeg_for_printing_is_taken() -> None:
    kept = opened(await uploads.accepted(Sent(files.image("JPEG", mode="CMYK"))))
    assert kept.mode == "RGB"


async def test_a_very_large_image_is_made_smaller() -> None:
    kept = opened(await uploads.accepted(Sent(files.image("JPEG", (6000, 3000)))))
    assert kept.size == (4096, 2048)


async def test_an_image_that_would_grow_beyond_the_limit_becomes_a_jpeg() -> None:
    sent = files.noise(500, "WEBP", quality=40)
    rules = Rules(file_bytes=len(files.noise(500, "PNG")) // 2)
    kept = await uploads.accepted(Sent(sent), rules)
    assert len(kept.content) <= rules.file_bytes


async def test_of_a_moving_image_the_first_picture_is_kept() -> None:
    target = io.BytesIO()
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green")]
    frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:])
    assert getattr(opened(await uploads.accepted(Sent(target.getvalue()))), "n_frames", 1) == 1


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", Refusal.EMPTY),
        (files.SVG, Refusal.KIND),
        (files.HTML, Refusal.KIND),
        (files.ZIP, Refusal.KIND),
        (files.EICAR, Refusal.KIND),
        (files.image("GIF"), Refusal.KIND),
        (files.image("BMP"), Refusal.KIND),
        (files.image("TIFF"), Refusal.KIND),
        (b"\n" + files.image("JPEG"), Refusal.KIND),
        (b"just words", Refusal.KIND),
        (files.image("JPEG")[:400], Refusal.UNREADABLE),
        (files.image("PNG")[:60], Refusal.UNREADABLE),
        (b"\xff\xd8\xff\xe0" + b"nonsense" * 50, Refusal.UNREADABLE),
        (b"\x89PNG\r\n\x1a\n" + files.HTML, Refusal.UNREADABLE),
        (files.bomb(), Refusal.TOO_MANY_PIXELS),
        (files.bomb(7000, 6000), Refusal.TOO_MANY_PIXELS),
        (files.PDF, Refusal.DOCUMENT),
    ],
    ids=[
        "nothing", "SVG", "HTML", "zip", "EICAR", "GIF", "BMP", "TIFF", "a gap before", "text", "half a JPEG",
        "half a PNG", "the head of a JPEG", "the head of a PNG", "bomb", "42 million pixels", "PDF without a scanner",
    ],
)  # fmt: skip
async def test_what_is_not_taken(content: bytes, why: Refusal) -> None:
    assert await refusal(content) is why


async def test_a_file_of_any_length_is_read_as_far_as_it_may_be_long() -> None:
    endless = Sent(b"", endless=True)
    with pytest.raises(Refused) as refused:
        await uploads.accepted(endless)
    assert refused.value.kind is Refusal.TOO_LARGE
    assert endless.taken <= RULES.file_bytes + 2 * uploads.PORTION


async def test_a_form_with_too_many_files_is_refused_before_one_is_read() -> None:
    sent = [Sent(files.image()) for _ in range(RULES.at_once + 1)]
    with pytest.raises(Refused) as refused:
        await uploads.all_accepted(list(sent))
    assert refused.value.kind is Refusal.TOO_MANY
    assert sum(part.taken for part in sent) == 0


async def test_one_bad_file_refuses_the_form() -> None:
    with pytest.raises(Refused):
        await uploads.all_accepted([Sent(files.image()), Sent(files.SVG)])


# ---- documents ------------------------------------------------------------------------------------------------------


async def test_a_pdf_is_kept_as_it_came_where_it_is_scanned() -> None:
    kept = await uploads.accepted(Sent(files.PDF), SCANNED)
    assert kept == Upload("application/pdf", files.PDF)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7\n" + files.HTML + files.PDF, Refusal.KIND),
        (b"%PDF-1.7\n" + files.SVG + files.PDF, Refusal.KIND),
        (b"%PDF-1.7\n" + files.ZIP + files.PDF, Refusal.KIND),
        (b" " + files.PDF, Refusal.KIND),
        (files.HTML + files.PDF, Refusal.KIND),
        (files.LONG_PDF + files.ZIP, Refusal.UNREADABLE),
        (files.PDF + bytes(5000), Refusal.UNREADABLE),
        (files.PDF.replace(b"%%EOF", b""), Refusal.UNREADABLE),
    ],
    ids=["HTML", "SVG", "zip", "a gap before", "HTML before", "zip behind", "much behind", "no end"],
)
async def test_a_pdf_that_wants_to_be_something_else_too_is_refused(content: bytes, why: Refusal) -> None:
    assert await refusal(content, SCANNED) is why


# ---- the examiner ---------------------------------------------------------------------------------------------------


def test_it_stands_alone() -> None:
    """Nothing of ours is imported into the process that decodes."""
    source = Path(examine.__file__).read_text()
    assert not {"from storage", "import storage", "from domain", "from activities"} & set(source.split("\n"))


async def test_what_takes_too_long_is_refused_and_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text(f"import os, time\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    monkeypatch.setattr(uploads, "EXAMINER", sleeper)
    monkeypatch.setattr(uploads, "PATIENCE", 3.0)
    assert await refusal(files.image()) is Refusal.UNREADABLE
    assert not _is_there(marker)


def _is_there(marker: Path) -> bool:
    return Path(f"/proc/{marker.read_text()}").exists()


@pytest.mark.parametrize("death", ["os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 11)", "os.kill(os.getpid(), 24)"])
async def test_a_file_that_fells_the_decoder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, death: str
) -> None:
    falling = tmp_path / "falling.py"
    falling.write_text(f"import os, resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n{death}\n")
    monkeypatch.setattr(uploads, "EXAMINER", falling)
    assert await refusal(files.image()) is Refusal.UNREADABLE


async def test_a_fault_of_ours_is_no_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('ours')\n")
    monkeypatch.setattr(uploads, "EXAMINER", broken)
    with pytest.raises(RuntimeError, match="ended with 1"):
        await uploads.accepted(Sent(files.image()))


async def test_its_exit_codes_have_words_here() -> None:
    codes = (examine.NOT_TAKEN, examine.UNREADABLE, examine.TOO_MANY_PIXELS, examine.NO_DOCUMENTS)
    assert set(codes) == set(uploads._REFUSALS)


async def test_it_gets_little_memory_and_writes_no_file(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(examine.__file__).parent)!r})\n"
        "import examine; examine.limit()\n"
        "try: bytearray(2 << 30)\n"
        "except MemoryError: print('no memory')\n"
        "try:\n"
        f"    with open({str(tmp_path / 'written')!r}, 'wb') as target: target.write(b'x')\n"
        "except OSError: print('no file')\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.split(b"\n")[:2] == [b"no memory", b"no file"]


async def test_many_files_at_once_stand_in_line() -> None:
    kept = await asyncio.gather(*(uploads.accepted(Sent(files.image(size=(20 + n, 20)))) for n in range(6)))
    assert [opened(one).size for one in kept] == [(20 + n, 20) for n in range(6)]


def test_what_a_request_may_hold_is_what_its_files_may_hold() -> None:
    assert RULES.body_bytes > 5 * 10 * MEGABYTE
