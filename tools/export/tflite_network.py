"""The operators of a .tflite in PyTorch: exact, NCHW, float32 whatever the weights were stored as."""

import pathlib
import struct

import numpy as np
import tflite
import torch
import torch.nn.functional as F

import common

_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_DTYPES = {
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.UINT8: np.uint8,
    tflite.TensorType.INT32: np.int32,
}
_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: lambda x: x,
    tflite.ActivationFunctionType.RELU: F.relu,
    tflite.ActivationFunctionType.RELU6: F.relu6,
}
_FUNCTIONS = {
    "ADD": torch.add,
    "HARD_SWISH": F.hardswish,
    "LOGISTIC": torch.sigmoid,
    "MUL": torch.mul,
    "QUANTIZE": lambda x: x,
    "RELU": F.relu,
}
# MediaPipe's own operator, and what its options are: padding, stride along x, stride along y.
_TRANSPOSED = "Convolution2DTransposeBias"


class TfliteNetwork(torch.nn.Module):
    """The operators of one .tflite in file order, up to its output, or to the scores if an ARG_MAX comes last."""

    def __init__(self, path):
        super().__init__()
        model = tflite.Model.GetRootAsModel(pathlib.Path(path).read_bytes(), 0)
        self._model, graph = model, model.Subgraphs(0)
        self._graph = graph
        self._widened = {}  # constants by the number of the tensor that DEQUANTIZE makes of them
        self.input_index = int(graph.InputsAsNumpy()[0])
        self.output_index = int(graph.OutputsAsNumpy()[0])
        self.input_size = self._height_width(self.input_index)
        self.layers = torch.nn.ModuleDict()
        self.steps = []  # (function of the operator's computed inputs, their numbers, output's number)
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            code = model.OperatorCodes(operator.OpcodeIndex())
            kind = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            if kind == "CUSTOM":
                kind = code.CustomCode().decode()
            inputs = [int(v) for v in operator.InputsAsNumpy()]
            output = int(operator.OutputsAsNumpy()[0])
            if kind == "ARG_MAX":
                self.output_index = inputs[0]
                break
            if kind == "DEQUANTIZE":
                self._widened[output] = inputs[0]
                continue
            function, count = self._step(kind, i, operator, inputs, output)
            self.steps.append((function, inputs[:count], output))
        del self._model, self._graph, self._widened

    def _height_width(self, index):
        return [int(v) for v in self._graph.Tensors(index).ShapeAsNumpy()[1:3]]

    def _options(self, kind, operator):
        options = kind()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        return options

    def _constant(self, index):
        """A constant tensor's elements as they are stored."""
        tensor = self._graph.Tensors(self._widened.get(index, index))
        raw = self._model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(raw, _DTYPES[tensor.Type()]).reshape(tensor.ShapeAsNumpy()), tensor.Quantization()

    def _values(self, index):
        """A constant tensor as floats."""
        stored, quantisation = self._constant(index)
        if stored.dtype in (np.float16, np.float32):
            return torch.from_numpy(stored.astype(np.float32))
        scale, zero = float(quantisation.Scale(0)), int(quantisation.ZeroPoint(0))
        return torch.from_numpy(((stored.astype(np.float64) - zero) * scale).astype(np.float32))

    def _step(self, kind, i, operator, inputs, output):
        """What the operator does, and how many of its inputs are computed ones."""
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            return self._convolution(kind == "DEPTHWISE_CONV_2D", i, operator, inputs, output), 1
        if kind == _TRANSPOSED:
            return self._transposed_convolution(i, operator, inputs, output), 1
        if kind == "RESIZE_BILINEAR":
            options = self._options(tflite.ResizeBilinearOptions, operator)
            if options.AlignCorners() == options.HalfPixelCenters():
                raise ValueError(f"operator {i}: PyTorch can't resize with these centres")
            size, aligned = self._height_width(output), bool(options.AlignCorners())
            if size == self._height_width(inputs[0]):
                return (lambda x: x), 1
            return (lambda x: F.interpolate(x, size=size, mode="bilinear", align_corners=aligned)), 1
        if kind == "AVERAGE_POOL_2D":
            options = self._options(tflite.Pool2DOptions, operator)
            whole = [options.FilterHeight(), options.FilterWidth()] == self._height_width(inputs[0])
            if not whole or self._height_width(output) != [1, 1]:
                raise ValueError(f"operator {i}: pools less than the whole image")
            activation = _ACTIVATIONS[options.FusedActivationFunction()]
            return (lambda x: activation(F.adaptive_avg_pool2d(x, 1))), 1
        if kind == "MEAN":
            axes = sorted(self._constant(inputs[1])[0].reshape(-1).tolist())
            if axes != [1, 2] or not self._options(tflite.ReducerOptions, operator).KeepDims():
                raise ValueError(f"operator {i}: means of something else than the image")
            return (lambda x: F.adaptive_avg_pool2d(x, 1)), 1
        if kind == "CONCATENATION":
            return (lambda *parts: torch.cat(parts, dim=1)), len(inputs)
        if kind in ("ADD", "MUL"):
            options = self._options(tflite.AddOptions if kind == "ADD" else tflite.MulOptions, operator)
            function, activation = _FUNCTIONS[kind], _ACTIVATIONS[options.FusedActivationFunction()]
            return (lambda x, y: activation(function(x, y))), 2
        if kind in _FUNCTIONS:
            return _FUNCTIONS[kind], 1
        raise ValueError(f"operator {i}: {kind} is not known")

    def _convolution(self, depthwise, i, operator, inputs, output):
        options = self._options(tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions, operator)
        weight = self._values(inputs[1])  # OHWI, or 1HWC when depthwise
        weight = weight.permute(3, 0, 1, 2) if depthwise else weight.permute(0, 3, 1, 2)
        out_channels, in_channels, *kernel = weight.shape
        stride = [options.StrideH(), options.StrideW()]
        dilation = [options.DilationHFactor(), options.DilationWFactor()]
        # What SAME needs in all, along y and x; of an odd number the larger half comes last, which PyTorch's
        # convolutions can't do alone.
        totals = [0, 0]
        if options.Padding() == tflite.Padding.SAME:
            before, after = self._height_width(inputs[0]), self._height_width(output)
            totals = [
                max((after[d] - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1 - before[d], 0) for d in range(2)
            ]
        even = all(total % 2 == 0 for total in totals)
        layer = torch.nn.Conv2d(
            out_channels if depthwise else in_channels,
            out_channels,
            kernel,
            stride,
            [total // 2 for total in totals] if even else 0,
            dilation,
            groups=out_channels if depthwise else 1,
        )
        layer.weight.data, layer.bias.data = weight.contiguous(), self._values(inputs[2])
        self.layers[str(i)] = layer
        activation = _ACTIVATIONS[options.FusedActivationFunction()]
        if even:
            return lambda x: activation(layer(x))
        (top, bottom), (left, right) = [(total // 2, total - total // 2) for total in totals]
        return lambda x: activation(layer(F.pad(x, (left, right, top, bottom))))

    def _transposed_convolution(self, i, operator, inputs, output):
        _, stride_x, stride_y = struct.unpack("<iii", operator.CustomOptionsAsNumpy().tobytes())
        weight = self._values(inputs[1])  # OHWI
        out_channels, height, width, in_channels = weight.shape
        size = self._height_width(inputs[0])
        # Then each result comes from one pixel, and no padding has anything to cut off.
        if [height, width] != [stride_y, stride_x] or self._height_width(output) != [size[0] * height, size[1] * width]:
            raise ValueError(f"operator {i}: a transposed convolution whose windows overlap")
        layer = torch.nn.ConvTranspose2d(in_channels, out_channels, (height, width), (stride_y, stride_x))
        layer.weight.data, layer.bias.data = weight.permute(3, 0, 1, 2).contiguous(), self._values(inputs[2])
        self.layers[str(i)] = layer
        return layer

    def forward(self, x):
        values = {self.input_index: x}
        for function, inputs, output in self.steps:
            values[output] = function(*(values[index] for index in inputs))
        return values[self.output_index]


def load_network(path) -> TfliteNetwork:
    return common.make_contiguous(TfliteNetwork(path))
