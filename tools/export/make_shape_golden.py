"""Results of pycocotools and OpenCV for tests/golden/shapes: run lengths and outlines of masks.

    python3.11 -m venv VENV && VENV/bin/pip install -r requirements-shapes.txt && VENV/bin/python make_shape_golden.py

tests/golden/README.md says what the files hold. The same bytes come out every time.
"""

import json
import pathlib

import cv2
import numpy as np
from pycocotools import mask as coco

SHAPES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "shapes"
SCALE = 4  # pixels are drawn this large to find their corners among OpenCV's contour points


def rows(mask):
    return ["".join(".#"[v] for v in row) for row in mask]


def from_text(text):
    return np.array([[c == "#" for c in line] for line in text.split()], np.uint8)


def blobs(seed, height, width, sigma, share=0.5):
    """Smooth random shapes that cover about `share`, islands in holes included."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma)
    return (smooth > np.quantile(smooth, 1 - share)).astype(np.uint8)


def without_crossings(mask):
    """Sets pixels until none touch by a corner alone, where OpenCV and Silhouette differ on purpose."""
    mask = mask.copy()
    while True:
        a, b, c, d = mask[:-1, :-1], mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]
        crossings = ((a == d) & (b == c) & (a != b)).astype(np.uint8)
        if not crossings.any():
            return mask
        a |= crossings
        b |= crossings
        c |= crossings
        d |= crossings


# --- Run lengths -------------------------------------------------------------------------------------------------


def counts_of(mask):
    """Runs column by column, the first of zeros: written down independently and checked against pycocotools."""
    counts, last = [0], 0
    for value in mask.ravel(order="F"):
        if value != last:
            counts.append(0)
            last = value
        counts[-1] += 1
    return counts


def rle_case(name, mask, keep_rows=True):
    height, width = mask.shape
    encoded = coco.encode(np.asfortranarray(mask))
    counts = counts_of(mask)
    assert coco.frPyObjects({"size": [height, width], "counts": counts}, height, width) == encoded, name
    case = {"name": name, "size": [height, width], "counts": encoded["counts"].decode()}
    case |= {"area": int(coco.area(encoded)), "bbox": [int(v) for v in coco.toBbox(encoded)]}
    return case | ({"rows": rows(mask)} if keep_rows else {}) | ({"runs": counts} if len(counts) < 200 else {})


def run_lengths():
    random = np.random.default_rng(7)
    masks = {
        "clear pixel": np.zeros((1, 1), np.uint8),
        "set pixel": np.ones((1, 1), np.uint8),
        "all clear": np.zeros((5, 7), np.uint8),
        "all set": np.ones((5, 7), np.uint8),
        "row": from_text("##..#.###"),
        "column": from_text("# # . . # . #"),
        "first and last": from_text("#... .... ...#"),
        "box": from_text("...... .####. .####. ......"),
        "run over columns": from_text("...... .#.... .##... ..#..."),
        "checkerboard": np.indices((9, 8)).sum(0).astype(np.uint8) % 2,
        "blobs": blobs(1, 60, 70, 5),
        "few": (random.random((64, 65)) < 0.03).astype(np.uint8),
    }
    for height in (1, 2, 63, 64, 65):
        for width in (1, 31, 64, 66):
            masks[f"noise {height} x {width}"] = (random.random((height, width)) < 0.5).astype(np.uint8)
    cases = [rle_case(name, mask) for name, mask in masks.items()]
    # Long runs, and differences of many groups. Made again by the test: set where (x * a + y * b) % m < n.
    for width, height, a, b, m, n in (
        (3000, 2000, 1, 0, 2000, 1),
        (2000, 3000, 7, 11, 100_003, 90_000),
        (1025, 2049, 13, 1, 1500, 700),
    ):
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        mask = ((x * a + y * b) % m < n).astype(np.uint8)
        cases.append(rle_case(f"pattern {width} x {height}", mask, keep_rows=False) | {"pattern": [a, b, m, n]})
    return cases


# --- Outlines ----------------------------------------------------------------------------------------------------


def corner_ring(contour):
    """A contour of the enlarged mask, through the centres of its pixels, as corners of pixels of the mask."""
    points = [tuple(p) for p in np.rint((contour[:, 0, :] + 0.5) / SCALE).astype(int).tolist()]
    points = [p for i, p in enumerate(points) if p != points[i - 1]]
    return [
        p
        for i, p in enumerate(points)
        for before, after in [(points[i - 1], points[(i + 1) % len(points)])]
        if (p[0] - before[0]) * (after[1] - p[1]) != (p[1] - before[1]) * (after[0] - p[0])
    ]


def polygons_of(mask):
    """[{outer, holes}] with exact corners, from OpenCV's contours and their hierarchy."""
    large = cv2.copyMakeBorder(np.kron(mask, np.ones((SCALE, SCALE), np.uint8)), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    contours, hierarchy = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    contours = [c - 1 for c in contours]
    polygons = {i: {"outer": corner_ring(c), "holes": []} for i, c in enumerate(contours) if hierarchy[0][i][3] < 0}
    for i, contour in enumerate(contours):
        if hierarchy[0][i][3] >= 0:
            polygons[hierarchy[0][i][3]]["holes"].append(corner_ring(contour))
    return list(polygons.values())


def area(ring):
    return cv2.contourArea(np.array(ring, np.int32))


def check(name, mask, polygons):
    """The corners must give the mask again, in pycocotools as well, and the areas must sum to its pixels."""
    height, width = mask.shape
    total, seen = 0, np.zeros(mask.shape, np.uint8)
    for polygon in polygons:
        for ring, sign in [(polygon["outer"], 1), *((hole, -1) for hole in polygon["holes"])]:
            flat = [float(v) for point in ring for v in point]
            seen += coco.decode(coco.frPyObjects([flat], height, width))[:, :, 0] * np.uint8(sign % 256)
            total += sign * area(ring)
    assert (seen == mask).all(), name
    assert total == mask.sum(), name


def simplified(polygons, tolerance):
    """How far cv2.approxPolyDP gets with the exact rings."""
    rings = [ring for polygon in polygons for ring in (polygon["outer"], *polygon["holes"])]
    reduced = [cv2.approxPolyDP(np.array(ring, np.int32), tolerance, True) for ring in rings]
    outers = [cv2.approxPolyDP(np.array(p["outer"], np.int32), tolerance, True) for p in polygons]
    return {
        "tolerance": tolerance,
        "points": int(sum(len(ring) for ring in reduced)),
        "outer_area": float(sum(cv2.contourArea(ring) for ring in outers)),
    }


def outlines():
    masks = {
        "pixel": from_text("... .#. ..."),
        "whole": np.ones((3, 5), np.uint8),
        "U": from_text("#..# #..# ####"),
        "ring": from_text("##### #...# #...# #####"),
        "island in a hole": from_text("####### #.....# #.###.# #.#.#.# #.###.# #.....# #######"),
        "holes in a row": from_text("####### #.#.#.# ####### #.###.# #######"),
        "comb": from_text("#.#.#.# #.#.#.# ####### .#...#. .#...#."),
    }
    for seed, (height, width, sigma, share) in enumerate(
        [(40, 50, 2, 0.5), (65, 64, 4, 0.4), (90, 130, 3, 0.6), (128, 100, 8, 0.5)]
    ):
        masks[f"blobs {seed}"] = without_crossings(blobs(seed + 10, height, width, sigma, share))
    cases = []
    for name, mask in masks.items():
        polygons = polygons_of(mask)
        check(name, mask, polygons)
        case = {"name": name, "rows": rows(mask), "polygons": polygons}
        if name.startswith("blobs"):
            case["simplified"] = [simplified(polygons, t) for t in (1.0, 2.0, 4.0)]
        cases.append(case)
    return cases


def write(name, cases):
    SHAPES.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (SHAPES / name).write_text(f"[\n{lines}\n]\n")
    print(name, len(cases), "cases")


if __name__ == "__main__":
    write("rle.json", run_lengths())
    write("polygons.json", outlines())
