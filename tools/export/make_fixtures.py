"""Tiny .pte files for tests: tests/data/models/, and PyTorch's outputs for the good ones: tests/golden/tiny/.

    make_fixtures.py [NAME…]

The input of each is common.hash_input(0): seed 1000 over the NCHW index. Weights are common.hash_uniform too.
"""

import argparse
import zlib

import numpy as np
import torch

import common

MODELS = common.ROOT / "tests" / "data" / "models"
GOLDEN = common.GOLDEN / "tiny"
IMAGE = (1, 3, 16, 16)


def conv(out_channels, stride=1, in_channels=3):
    return torch.nn.Conv2d(in_channels, out_channels, 3, stride, padding=1)


class TwoOutputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = conv(3), conv(2)

    def forward(self, x):
        return self.first(x), self.second(x)


class IntegerOutput(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv(3)

    def forward(self, x):
        return self.conv(x).argmax(1)


class Argmax(torch.nn.Module):
    """Class numbers as later react-native-executorch files give them: [1, H, W] or [1, 1, H, W], int32 or int64."""

    def __init__(self, keepdim, dtype):
        super().__init__()
        self.conv, self.keepdim, self.dtype = conv(5), keepdim, dtype

    def forward(self, x):
        return self.conv(x).argmax(1, keepdim=self.keepdim).to(self.dtype)


class Unbatched(torch.nn.Module):
    """[3, H, W] to [K, H, W]."""

    def __init__(self):
        super().__init__()
        self.conv = conv(4)

    def forward(self, x):
        return self.conv(x.unsqueeze(0)).squeeze(0)


class ChannelsBehind(torch.nn.Module):
    """[1, H, W, K]."""

    def __init__(self):
        super().__init__()
        self.conv = conv(4)

    def forward(self, x):
        return self.conv(x).permute(0, 2, 3, 1).contiguous()


class UnbatchedChannelsBehind(torch.nn.Module):
    """[3, H, W] to [H, W, K]."""

    def __init__(self):
        super().__init__()
        self.conv = conv(4)

    def forward(self, x):
        return self.conv(x.unsqueeze(0)).permute(0, 2, 3, 1).squeeze(0).contiguous()


class Attention(torch.nn.Module):
    """Reshapes that XNNPACK resolves by itself, as attention has them."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = conv(4), torch.nn.Linear(4, 4)

    def forward(self, x):
        y = self.conv(x).flatten(2).transpose(1, 2)
        return self.out(y).transpose(1, 2).reshape(1, -1, x.shape[2], x.shape[3])


def two_convolutions(*between):
    return torch.nn.Sequential(conv(4), torch.nn.ReLU(), *between, conv(3, in_channels=4))


# name: (module, input shape, how to export)
GOOD = {
    "tiny_plain": (lambda: conv(4), IMAGE, "xnnpack"),
    "tiny_single_channel": (lambda: torch.nn.Sequential(conv(1), torch.nn.Sigmoid()), IMAGE, "xnnpack"),
    "tiny_stride": (lambda: conv(3, stride=2), IMAGE, "xnnpack"),
    "tiny_two_outputs": (TwoOutputs, IMAGE, "xnnpack"),
    "tiny_portable": (lambda: conv(3), IMAGE, "portable"),
    "tiny_channels_last": (lambda: conv(3), IMAGE, "channels_last"),
    "tiny_int8": (two_convolutions, IMAGE, "int8"),
    "tiny_argmax_i32": (lambda: Argmax(True, torch.int32), IMAGE, "xnnpack"),
    "tiny_argmax_i64": (lambda: Argmax(False, torch.int64), IMAGE, "xnnpack"),
    "tiny_argmax_float": (lambda: Argmax(True, torch.float32), IMAGE, "xnnpack"),
    "tiny_softmax": (lambda: torch.nn.Sequential(conv(4), torch.nn.Softmax(1)), IMAGE, "xnnpack"),
    "tiny_unbatched": (Unbatched, IMAGE[1:], "xnnpack"),
    "tiny_nhwc_output": (ChannelsBehind, (1, 3, 16, 20), "xnnpack"),
    "tiny_unbatched_nhwc_output": (UnbatchedChannelsBehind, (3, 16, 20), "xnnpack"),
    "tiny_logit": (lambda: conv(1), IMAGE, "xnnpack"),
    "tiny_attention": (Attention, IMAGE, "xnnpack"),
}
WRONG = {
    "rank2_input": (lambda: torch.nn.Linear(10, 4), (1, 10), "xnnpack"),
    "int_output": (IntegerOutput, IMAGE, "xnnpack"),
}
# Made by older exporters only: constants inside the delegate's blob (0.5), a clone between two delegates (0.6).
OLD = {
    "tiny_inline_constants": (two_convolutions, IMAGE, "xnnpack"),
    "tiny_clone": (lambda: two_convolutions(torch.nn.Dropout(0.1)), IMAGE, "xnnpack"),
}


def seeded(name, module):
    """Weights that depend on the names alone."""
    for key, parameter in module.named_parameters():
        values = common.hash_uniform(zlib.crc32(f"{name}/{key}".encode()), parameter.numel())
        parameter.data = torch.from_numpy(values.reshape(parameter.shape) * np.float32(0.5))
    return common.make_contiguous(module)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join([*GOOD, *WRONG])}")
    parser.add_argument("--golden-only", action="store_true", help="run the files that are there")
    args = parser.parse_args()
    every = GOOD | WRONG | OLD
    MODELS.mkdir(parents=True, exist_ok=True)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in args.names or [*GOOD, *WRONG]:
        make, shape, kind = every[name]
        module, x = seeded(name, make()), common.hash_input(0, shape)
        if kind == "channels_last":
            x = x.to(memory_format=torch.channels_last)
        path = MODELS / f"{name}.pte"
        if not args.golden_only:
            pte = common.lower(module, x, xnnpack=kind != "portable", int8_calibration=[x] if kind == "int8" else None)
            path.write_bytes(pte)
            common.report(name, pte)
        with torch.no_grad():
            expected = module(x)
        if name in WRONG:
            continue
        expected = expected if isinstance(expected, tuple) else (expected,)
        np.save(GOLDEN / f"{name}.npy", np.ascontiguousarray(expected[0].numpy().astype(np.float32)))
        try:
            actual = common.run(path.read_bytes(), x)
        except ImportError as error:  # an old wheel whose runtime does not load
            print(f"{name}: not run: {error}")
            continue
        for a, e in zip(actual, expected, strict=True):
            common.compare(f"{name} {list(a.shape)} strides {list(a.stride())}", a, e)


if __name__ == "__main__":
    main()
