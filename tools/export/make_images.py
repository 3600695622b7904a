#!/usr/bin/env python3
"""Makes the images in tests/data/images: what libvips, with which the tests make most of their input, can't write.

Needs Pillow >= 11.3 (AVIF) and, for JPEG XL, libjxl 0.7 (Debian: libjxl0.7):
    python3 -m venv venv && venv/bin/pip install pillow==13.0.0 && venv/bin/python tools/export/make_images.py
"""

import ctypes
import pathlib
import struct
import zlib

from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "images"
ORIENTATION_TAG = 0x0112

# Six blocks of one colour, three across and two down, so that every orientation differs from the others.
BLOCK = 16
COLOURS = [[(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(255, 255, 0), (255, 0, 255), (0, 0, 0)]]

# What has to be done to the upright picture so that the orientation undoes it.
TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def upright() -> Image.Image:
    image = Image.new("RGB", (3 * BLOCK, 2 * BLOCK))
    for y, row in enumerate(COLOURS):
        for x, colour in enumerate(row):
            image.paste(colour, (x * BLOCK, y * BLOCK, (x + 1) * BLOCK, (y + 1) * BLOCK))
    return image


def stored(orientation: int) -> Image.Image:
    step = TO_STORED[orientation]
    return upright() if step is None else upright().transpose(step)


def save_avif(orientation: int) -> None:
    # Pillow turns the EXIF tag into the boxes irot and imir, which are what readers obey.
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    stored(orientation).save(FOLDER / f"orientation_{orientation}.avif", quality=100, subsampling="4:4:4", exif=exif)


class PixelFormat(ctypes.Structure):
    _fields_ = [
        ("num_channels", ctypes.c_uint32),
        ("data_type", ctypes.c_int),
        ("endianness", ctypes.c_int),
        ("align", ctypes.c_size_t),
    ]


class BasicInfo(ctypes.Structure):
    """The start of JxlBasicInfo; libjxl fills in the rest."""

    _fields_ = [
        ("have_container", ctypes.c_int),
        ("xsize", ctypes.c_uint32),
        ("ysize", ctypes.c_uint32),
        ("bits_per_sample", ctypes.c_uint32),
        ("exponent_bits_per_sample", ctypes.c_uint32),
        ("intensity_target", ctypes.c_float),
        ("min_nits", ctypes.c_float),
        ("relative_to_max_display", ctypes.c_int),
        ("linear_below", ctypes.c_float),
        ("uses_original_profile", ctypes.c_int),
        ("have_preview", ctypes.c_int),
        ("have_animation", ctypes.c_int),
        ("orientation", ctypes.c_int),
        ("rest", ctypes.c_uint8 * 512),
    ]


def save_jxl(orientation: int) -> None:
    jxl = ctypes.CDLL("libjxl.so.0.7")
    for name in ("JxlEncoderCreate", "JxlEncoderFrameSettingsCreate"):
        getattr(jxl, name).restype = ctypes.c_void_p

    def check(status: int) -> None:
        if status != 0:
            raise RuntimeError(f"libjxl: {status}")

    image = stored(orientation)
    encoder = ctypes.c_void_p(jxl.JxlEncoderCreate(None))
    info = BasicInfo()
    jxl.JxlEncoderInitBasicInfo(ctypes.byref(info))
    info.xsize, info.ysize = image.size
    info.uses_original_profile = 1
    info.orientation = orientation
    check(jxl.JxlEncoderSetBasicInfo(encoder, ctypes.byref(info)))
    encoding = (ctypes.c_uint8 * 512)()
    jxl.JxlColorEncodingSetToSRGB(ctypes.byref(encoding), 0)
    check(jxl.JxlEncoderSetColorEncoding(encoder, ctypes.byref(encoding)))
    settings = ctypes.c_void_p(jxl.JxlEncoderFrameSettingsCreate(encoder, None))
    check(jxl.JxlEncoderSetFrameLossless(settings, 1))
    pixels = image.tobytes()
    pixel_format = PixelFormat(3, 2, 0, 0)  # JXL_TYPE_UINT8
    check(jxl.JxlEncoderAddImageFrame(settings, ctypes.byref(pixel_format), pixels, ctypes.c_size_t(len(pixels))))
    jxl.JxlEncoderCloseInput(encoder)
    buffer = (ctypes.c_uint8 * 65536)()
    position = ctypes.cast(buffer, ctypes.c_void_p)
    available = ctypes.c_size_t(len(buffer))
    check(jxl.JxlEncoderProcessOutput(encoder, ctypes.byref(position), ctypes.byref(available)))
    jxl.JxlEncoderDestroy(encoder)
    (FOLDER / f"orientation_{orientation}.jxl").write_bytes(bytes(buffer[: len(buffer) - available.value]))


def save_png(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    stored(orientation).save(FOLDER / f"orientation_{orientation}.png", exif=exif)


def save_palette() -> None:
    """Indexed pixels with a transparent, a half transparent and an opaque entry."""
    image = Image.new("P", (6, 2))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 0, 1, 1, 2, 2] * 2)
    image.save(FOLDER / "palette_alpha.png", transparency=bytes([0, 128, 255]))


def save_two_frames() -> None:
    first, second = Image.new("RGB", (8, 4), (255, 0, 0)), Image.new("RGB", (8, 4), (0, 0, 255))
    for name in ("two_frames.gif", "two_frames.webp"):
        first.save(FOLDER / name, save_all=True, append_images=[second], duration=100, lossless=True)


def save_photo() -> None:
    """A real photo as a JPEG: models/samples/chelsea.png, which is CC0."""
    with Image.open(FOLDER.parents[2] / "models" / "samples" / "chelsea.png") as photo:
        photo.save(FOLDER / "photo.jpg", quality=80)


def save_huge_header() -> None:
    """A PNG of a few bytes whose header claims 200 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    (FOLDER / "huge_header.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for orientation in TO_STORED:
        save_avif(orientation)
        save_jxl(orientation)
        save_png(orientation)
    save_palette()
    save_two_frames()
    save_photo()
    save_huge_header()


if __name__ == "__main__":
    main()
