"""Turns the reference DeepLabV3-MobileNetV2 .tflite into the embedded fp32 model.

    import_tflite.py --tflite deeplabv3_mnv2_pascal_quant.tflite [--out models/deeplab_v3_mobilenet_v2.pte]
                     [--photo bird.png --mask bird_mask.png]

The 8-bit weights become floats (scale * (q - zero point)); activations are not quantised any more. With --photo and
--mask it also prints the share of pixels that agree with a human's mask.
"""

import argparse
import pathlib
import sys

import numpy as np
import tflite
import torch
import torch.nn.functional as F
from PIL import Image

import common

MEAN = STD = [0.5, 0.5, 0.5]  # RGB / 255 to [-1, 1]
SOURCE = (
    "deeplabv3_mnv2_pascal_quant.tflite of https://github.com/google-coral/test_data (DeepLabV3, MobileNetV2, "
    "PASCAL VOC 2012; quantisation-aware trained), dequantised to fp32"
)

_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


class TfliteNetwork(torch.nn.Module):
    """The operators of one .tflite in file order, NCHW, up to the float logits (the final ARG_MAX is left out)."""

    def __init__(self, path):
        super().__init__()
        model = tflite.Model.GetRootAsModel(pathlib.Path(path).read_bytes(), 0)
        self._model, graph = model, model.Subgraphs(0)
        self._graph = graph
        self.input_index = graph.InputsAsNumpy()[0]
        self.layers = torch.nn.ModuleDict()
        self.steps = []  # (kind, inputs, output, argument)
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            code = model.OperatorCodes(operator.OpcodeIndex())
            kind = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs = [int(v) for v in operator.InputsAsNumpy()]
            output = int(operator.OutputsAsNumpy()[0])
            if kind == "ARG_MAX":
                self.output_index = inputs[0]
                break
            self.steps.append((kind, inputs, output, self._argument(kind, i, operator, inputs, output)))
        del self._model, self._graph

    def height_width(self, index):
        return [int(v) for v in self._graph.Tensors(index).ShapeAsNumpy()[1:3]]

    def _options(self, kind, operator):
        options = kind()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        return options

    def _values(self, index):
        """A constant tensor as floats."""
        tensor = self._graph.Tensors(index)
        dtype = {tflite.TensorType.UINT8: np.uint8, tflite.TensorType.INT32: np.int32}[tensor.Type()]
        raw = self._model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        quantised = np.frombuffer(raw, dtype).reshape(tensor.ShapeAsNumpy())
        quantisation = tensor.Quantization()
        scale, zero = float(quantisation.Scale(0)), int(quantisation.ZeroPoint(0))
        return torch.from_numpy(((quantised.astype(np.float64) - zero) * scale).astype(np.float32))

    def _argument(self, kind, i, operator, inputs, output):
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            depthwise = kind == "DEPTHWISE_CONV_2D"
            options = self._options(tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions, operator)
            weight = self._values(inputs[1])  # OHWI, or 1HWC when depthwise
            weight = weight.permute(3, 0, 1, 2) if depthwise else weight.permute(0, 3, 1, 2)
            out_channels, in_channels, size, _ = weight.shape
            stride, dilation = options.StrideH(), options.DilationHFactor()
            # SAME pads symmetrically here because every map's side is odd; check, since PyTorch can do nothing else.
            (side, _), (out_side, _) = self.height_width(inputs[0]), self.height_width(output)
            total = max((out_side - 1) * stride + (size - 1) * dilation + 1 - side, 0)
            if total % 2 or options.Padding() != tflite.Padding.SAME:
                raise ValueError(f"operator {i}: padding of {total} cannot be split evenly")
            layer = torch.nn.Conv2d(
                out_channels if depthwise else in_channels,
                out_channels,
                size,
                stride,
                total // 2,
                dilation,
                groups=out_channels if depthwise else 1,
            )
            layer.weight.data, layer.bias.data = weight.contiguous(), self._values(inputs[2])
            self.layers[str(i)] = layer
            return str(i), options.FusedActivationFunction()
        if kind == "RESIZE_BILINEAR":
            options = self._options(tflite.ResizeBilinearOptions, operator)
            assert options.AlignCorners() and not options.HalfPixelCenters()
            return self.height_width(output)
        if kind == "AVERAGE_POOL_2D":
            options = self._options(tflite.Pool2DOptions, operator)
            assert [options.FilterHeight(), options.FilterWidth()] == self.height_width(inputs[0])
            return None
        if kind in ("ADD", "CONCATENATION", "QUANTIZE"):
            return None
        raise ValueError(f"operator {i}: {kind} is not known")

    def forward(self, x):
        values = {self.input_index: x}
        for kind, inputs, output, argument in self.steps:
            first = values[inputs[0]]
            if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                name, activation = argument
                y = self.layers[name](first)
                if activation == tflite.ActivationFunctionType.RELU6:
                    y = F.relu6(y)
                elif activation == tflite.ActivationFunctionType.RELU:
                    y = F.relu(y)
            elif kind == "ADD":
                y = first + values[inputs[1]]
            elif kind == "CONCATENATION":
                y = torch.cat([values[index] for index in inputs], dim=1)
            elif kind == "AVERAGE_POOL_2D":
                y = F.adaptive_avg_pool2d(first, 1)
            elif kind == "RESIZE_BILINEAR" and list(first.shape[2:]) != argument:
                y = F.interpolate(first, size=argument, mode="bilinear", align_corners=True)
            else:  # QUANTIZE between two scales, and a resize to the same size
                y = first
            values[output] = y
        return values[self.output_index]


def load_network(path) -> TfliteNetwork:
    return common.make_contiguous(TfliteNetwork(path))


def network_input(photo: np.ndarray, size) -> torch.Tensor:
    """uint8 RGB [H, W, 3] to the network's input (contiguous, as it was exported), resized as torchvision does."""
    from torchvision.transforms.v2 import functional as TF

    pixels = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].contiguous()
    resized = TF.resize(pixels, list(size), antialias=True).float() / 255
    return (resized - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflite", required=True)
    parser.add_argument("--out", type=pathlib.Path, default=common.MODELS / "deeplab_v3_mobilenet_v2.pte")
    parser.add_argument("--photo", type=pathlib.Path)
    parser.add_argument("--mask", type=pathlib.Path)
    args = parser.parse_args()

    network = load_network(args.tflite)
    size = [513, 513]
    example = common.hash_input(0, (1, 3, *size))
    constant_methods = common.metadata(
        mean=MEAN, std=STD, height=size[0], width=size[1], source=SOURCE, license_name="Apache-2.0"
    )
    pte = common.lower(network, example, constant_methods)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(pte)
    common.report(str(args.out), pte)

    with torch.no_grad():
        common.compare("hash input", common.run(pte, example)[0], network(example))
        if args.photo:
            photo = np.asarray(Image.open(args.photo).convert("RGB"))
            x = network_input(photo, size)
            expected = network(x)
            common.compare(args.photo.name, common.run(pte, x)[0], expected)
            found = F.interpolate(expected, size=photo.shape[:2], mode="bilinear", align_corners=False).argmax(1)[0]
            counts = torch.bincount(found.flatten(), minlength=21).tolist()
            print({common.LABELS[c]: n for c, n in enumerate(counts) if n})
        if args.mask:
            mask = np.asarray(Image.open(args.mask))
            decided = mask != 255  # PASCAL VOC's "ignore"
            print(f"agreement with the mask: {(found.numpy() == mask)[decided].mean():.4%}")
    for method in constant_methods:
        print(method, common.run(pte, method=method), file=sys.stderr)


if __name__ == "__main__":
    main()
