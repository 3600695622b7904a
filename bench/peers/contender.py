"""A peer, in a process of its own: runs what compare.py asks for. Speaks what main.cpp's head describes.

    contender.py network onnxruntime|openvino MODEL.onnx THREADS
    contender.py photo opencv|pil RUNTIME MODEL.onnx THREADS LOGITS|CLASSES
"""

import json
import pathlib
import sys
import time

import numpy as np


def memory_mb(key: str) -> float:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    return 0


class OnnxRuntime:
    def __init__(self, threads: int):
        import onnxruntime

        self.api, self.threads = onnxruntime, threads
        self.name = f"onnxruntime {onnxruntime.__version__}"

    def load(self, model: str):
        options = self.api.SessionOptions()
        options.intra_op_num_threads = self.threads
        self.session = self.api.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return self.session.run(None, {"image": image})[0]


class OpenVino:
    def __init__(self, threads: int):
        import openvino

        self.api, self.threads = openvino, threads
        self.name = f"openvino {openvino.__version__.split('-')[0]}"

    def load(self, model: str):
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.request = self.api.Core().compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return self.request.infer([image], share_inputs=True, share_outputs=True)[0]


RUNTIMES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


class Network:
    """The network alone."""

    def __init__(self, runtime: str, model: str, threads: str):
        self.runtime, self.model = RUNTIMES[runtime](int(threads)), model
        self.name = self.runtime.name

    def load(self):
        self.runtime.load(self.model)

    def input(self, path: str):
        values = np.fromfile(path, np.float32)
        side = int((values.size / 3) ** 0.5)
        self.image = values.reshape(1, 3, side, side)

    def run(self):
        # Whoever is done with a result lets it go: its memory can be used again.
        self.result = None
        self.result = self.runtime(self.image)

    def output(self) -> bytes:
        return np.ascontiguousarray(self.result).tobytes()


class Photo:
    """From a photo's file to the classes of its pixels at its own size, for a network that takes 513 x 513 in [-1, 1].

    `logits` resizes the logits and then decides, as Silhouette does; `classes` decides at the network's size and
    repeats pixels: cheap, with stairs for edges.
    """

    SIDE = 513

    def __init__(self, library: str, runtime: str, model: str, threads: str, resized: str):
        self.runtime, self.model, self.resized = RUNTIMES[runtime](int(threads)), model, resized
        self.name = f"{library} + {self.runtime.name}, {resized} resized"
        self.steps = {"opencv": self.opencv, "pil": self.pil}[library]
        if library == "opencv":
            import cv2

            cv2.setNumThreads(int(threads))
            self.cv2 = cv2
        else:
            import PIL.Image

            self.image = PIL.Image

    def load(self):
        self.runtime.load(self.model)

    def input(self, path: str):
        self.path = path

    def network(self, pixels: np.ndarray) -> np.ndarray:
        image = (pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        return self.runtime(np.ascontiguousarray(image))[0]

    def opencv(self) -> np.ndarray:
        cv2 = self.cv2
        photo = cv2.cvtColor(cv2.imread(self.path), cv2.COLOR_BGR2RGB)
        size = photo.shape[1::-1]
        # INTER_LINEAR doesn't average when it shrinks: a large photo's grain would change what is found.
        shrinks = min(size) > self.SIDE
        pixels = cv2.resize(
            photo, (self.SIDE, self.SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        logits = self.network(pixels)
        if self.resized == "classes":
            return cv2.resize(logits.argmax(0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in logits]).argmax(0)

    def pil(self) -> np.ndarray:
        image = self.image
        photo = image.open(self.path).convert("RGB")
        logits = self.network(np.asarray(photo.resize((self.SIDE, self.SIDE), image.Resampling.BILINEAR)))
        if self.resized == "classes":
            classes = image.fromarray(logits.argmax(0).astype(np.uint8))
            return np.asarray(classes.resize(photo.size, image.Resampling.NEAREST))
        planes = [image.fromarray(plane).resize(photo.size, image.Resampling.BILINEAR) for plane in logits]
        return np.stack([np.asarray(plane) for plane in planes]).argmax(0)

    def run(self):
        self.result = None
        self.result = self.steps()

    def output(self) -> bytes:
        return self.result.astype(np.int32).tobytes()


def obey(contender, command: str, argument: str) -> dict:
    if command == "input":
        contender.input(argument)
        return {}
    if command == "run":
        times = []
        for _ in range(int(argument)):
            start = time.perf_counter()
            contender.run()
            times.append((time.perf_counter() - start) * 1e3)
        return {"ms": times}
    if command == "output":
        pathlib.Path(argument).write_bytes(contender.output())
        return {}
    if command == "memory":
        return {"rss_mb": memory_mb("VmRSS:"), "peak_mb": memory_mb("VmHWM:")}
    raise ValueError(f"unknown command {command!r}")


def main(kind: str, *arguments: str) -> None:
    # Whatever a runtime prints must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr

    def answer(reply: dict) -> None:
        print(json.dumps(reply), file=answers, flush=True)

    try:
        contender = {"network": Network, "photo": Photo}[kind](*arguments)
        idle = memory_mb("VmRSS:")
        start = time.perf_counter()
        contender.load()
        answer({"name": contender.name, "load_ms": (time.perf_counter() - start) * 1e3, "idle_mb": idle})
        for line in sys.stdin:
            command, _, argument = line.rstrip("\n").partition(" ")
            answer(obey(contender, command, argument))
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
