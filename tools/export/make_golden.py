"""Results of PyTorch, torchvision and OpenCV for tests/golden/{pipeline,resize,postprocess}.

    make_golden.py --tflite deeplabv3_mnv2_pascal_quant.tflite    (pipeline needs the embedded model's source)
    make_golden.py --only resize postprocess

tests/golden/README.md says what each file holds.
"""

import argparse
import json
import zlib

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.v2 import functional as TF

import common

PHOTOS = {"bird": "BIRD", "chelsea": "CAT", "astronaut": "PERSON"}


def save_png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, optimize=True)


# --- Whole pipeline ----------------------------------------------------------------------------------------------


def pipeline(tflite):
    import import_tflite

    network = import_tflite.load_network(tflite)
    for photo, interest in PHOTOS.items():
        folder = common.GOLDEN / "pipeline" / photo
        pixels = np.asarray(Image.open(common.SAMPLES / f"{photo}.png").convert("RGB"))
        height, width = pixels.shape[:2]
        with torch.no_grad():
            logits = network(import_tflite.network_input(pixels, (513, 513)))
            resized = F.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
        meta = {"photo": f"{photo}.png", "width": width, "height": height, "classes": [interest, "BACKGROUND"]}
        for scale, values in (("model", logits), ("original", resized)):
            probabilities = values[0].double().softmax(0).numpy()
            found = probabilities.argmax(0).astype(np.uint8)
            save_png(folder / f"{scale}_argmax.png", found)
            for label in meta["classes"][: 1 if scale == "model" else 2]:
                plane = np.rint(probabilities[common.LABELS.index(label)] * 65535).astype(np.uint16)
                save_png(folder / f"{scale}_{label}.png", plane)
            counts = np.bincount(found.ravel(), minlength=21)
            meta[f"{scale}_pixels"] = {common.LABELS[c]: int(n) for c, n in enumerate(counts) if n}
        (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
        print(photo, meta)


# --- Resizing pixels ---------------------------------------------------------------------------------------------

RESIZE_CASES = {  # name: (height, width), targets (height, width)
    "odd": ((37, 61), [(16, 16), (37, 20), (12, 61), (37, 61), (90, 140), (224, 30)]),
    "landscape": ((480, 640), [(224, 224), (97, 513), (33, 47)]),
    "portrait": ((200, 150), [(513, 120), (64, 64), (199, 149)]),
    "dot": ((1, 1), [(1, 1), (7, 5)]),
    "tall": ((300, 5), [(20, 20), (1, 1), (299, 3)]),
    "wide": ((3, 700), [(8, 64), (3, 1)]),
}


def synthetic_image(name, height, width):
    """Gradients, hard edges, and a patch of noise: what filters get wrong, and small as PNG."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * x / max(width - 1, 1)
    green = 255 * y / max(height - 1, 1)
    blue = np.where((x // 7 + y // 5) % 2 == 0, 20.0, 235.0)
    image = np.rint(np.stack([red, green, blue], -1)).astype(np.uint8)
    rows, columns = min(height, 48), min(width, 48)
    noise = common.hash_uniform(zlib.crc32(name.encode()), rows * columns * 3).reshape(rows, columns, 3)
    image[:rows, -columns:] = ((noise + 1) * 128).astype(np.uint8)
    return image


def resize():
    folder = common.GOLDEN / "resize"
    for name, ((height, width), targets) in RESIZE_CASES.items():
        image = synthetic_image(name, height, width)
        save_png(folder / f"{name}_in.png", image)
        tensor = torch.from_numpy(image).permute(2, 0, 1)
        for h, w in targets:
            antialias = TF.resize(tensor, [h, w], antialias=True).permute(1, 2, 0).numpy()
            linear = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
            save_png(folder / f"{name}_antialias_{h}x{w}.png", antialias)
            save_png(folder / f"{name}_linear_{h}x{w}.png", linear)


# --- From logits to probabilities --------------------------------------------------------------------------------

POSTPROCESS_CASES = {  # name: channels, (height, width), targets
    "voc": (21, (33, 33), [(33, 33), (50, 40), (17, 90), (1, 1)]),
    "two": (2, (9, 14), [(9, 14), (40, 61), (5, 5), (1, 300)]),
    "five": (5, (1, 1), [(1, 1), (6, 4)]),
    "single": (1, (16, 16), [(16, 16), (31, 47), (7, 5)]),
    "ties": (4, (8, 8), [(8, 8)]),
}


def smooth_logits(name, channels, height, width):
    """Blobs of about four pixels with a little noise, in about [-9, 9]."""
    seed = zlib.crc32(name.encode())
    coarse = (channels, height // 4 + 2, width // 4 + 2)
    blobs = torch.from_numpy(common.hash_uniform(seed, int(np.prod(coarse))).reshape(1, *coarse))
    smooth = F.interpolate(blobs, size=(height, width), mode="bilinear", align_corners=True)[0].numpy()
    noise = common.hash_uniform(seed + 1, smooth.size).reshape(smooth.shape)
    return (8 * smooth + noise).astype(np.float32)


def postprocess():
    folder = common.GOLDEN / "postprocess"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (channels, (height, width), targets) in POSTPROCESS_CASES.items():
        logits = smooth_logits(name, channels, height, width)
        if name == "ties":
            logits = np.rint(logits / 4).astype(np.float32)  # equal values: the first must win
        if channels == 1:
            logits = torch.from_numpy(logits).sigmoid().numpy()  # such networks end in a sigmoid
        np.save(folder / f"{name}_logits.npy", logits)
        for h, w in targets:
            values = torch.from_numpy(logits)[None]
            if (h, w) != (height, width):
                values = F.interpolate(values, size=(h, w), mode="bilinear", align_corners=False)
            if channels == 1:
                probabilities = values[0].numpy()
                found = (probabilities[0] > 0.5).astype(np.int32)
            else:
                probabilities = values[0].softmax(0).numpy()
                found = np.argmax(values[0].numpy(), axis=0).astype(np.int32)
            np.save(folder / f"{name}_probabilities_{h}x{w}.npy", np.ascontiguousarray(probabilities))
            np.save(folder / f"{name}_argmax_{h}x{w}.npy", found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflite")
    parser.add_argument("--only", nargs="+", choices=("pipeline", "resize", "postprocess"))
    args = parser.parse_args()
    chosen = args.only or ("pipeline", "resize", "postprocess")
    if "pipeline" in chosen:
        if not args.tflite:
            parser.error("the pipeline needs --tflite")
        pipeline(args.tflite)
    if "resize" in chosen:
        resize()
    if "postprocess" in chosen:
        postprocess()


if __name__ == "__main__":
    main()
