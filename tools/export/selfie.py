"""A network of the kind of MediaPipe's selfie segmentation, written from what its model card says: 256 × 256 pixels to
one map of probabilities, by an encoder like MobileNetV3-Small's and a decoder that weighs its skip connections.

It is not MediaPipe's network, only made of the same parts; they are what a network of 21 logits doesn't have.
"""

import torch
from torch import nn

SIZE = 256


def pooled_gate(channels, hidden, last):
    """One factor a channel, from the means of all of them."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1), last
    )


class Bottleneck(nn.Module):
    def __init__(self, inputs, expanded, outputs, kernel, stride, squeezes, activation):
        super().__init__()
        self.expand = nn.Conv2d(inputs, expanded, 1)
        self.depthwise = nn.Conv2d(expanded, expanded, kernel, stride, kernel // 2, groups=expanded)
        self.gate = pooled_gate(expanded, max(8, expanded // 4), nn.Hardsigmoid()) if squeezes else None
        self.project = nn.Conv2d(expanded, outputs, 1)
        self.activation = activation()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.activation(self.depthwise(self.activation(self.expand(x))))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)
        return x + y if self.adds else y


class Decode(nn.Module):
    """Twice as large, and what the encoder knew at that size as far as the gate lets it."""

    def __init__(self, inputs, skipped, activation):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.match = nn.Conv2d(inputs, skipped, 1)
        self.gate = pooled_gate(skipped, skipped, nn.Sigmoid())
        self.mix = nn.Conv2d(skipped, skipped, 1)
        self.depthwise = nn.Conv2d(skipped, skipped, 3, padding=1, groups=skipped)
        self.activation = activation

    def forward(self, x, skip):
        x = self.match(self.up(x))
        x = x + skip * self.gate(skip + x)
        x = torch.relu(self.mix(x))
        return x + self.activation(self.depthwise(x))


class Selfie(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.Hardswish())  # 128 × 128
        self.quarter = Bottleneck(16, 16, 16, 3, 2, True, nn.ReLU)
        self.eighth = nn.Sequential(
            Bottleneck(16, 72, 24, 3, 2, False, nn.ReLU), Bottleneck(24, 88, 24, 3, 1, False, nn.ReLU)
        )
        self.sixteenth = nn.Sequential(
            Bottleneck(24, 96, 32, 5, 2, True, nn.Hardswish),
            *(Bottleneck(32, 128, 32, 5, 1, True, nn.Hardswish) for _ in range(2)),
            *(Bottleneck(32, 96, 32, 5, 1, True, nn.Hardswish) for _ in range(2)),
        )
        self.features = nn.Sequential(nn.Conv2d(32, 128, 1), nn.ReLU())
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 128, 1), nn.Sigmoid())
        self.decode_eighth = Decode(128, 24, nn.ReLU())
        self.decode_quarter = Decode(24, 16, nn.ReLU())
        self.decode_half = Decode(16, 16, nn.PReLU(16))
        self.last = nn.ConvTranspose2d(16, 1, 2, stride=2)

    def forward(self, x):
        half = self.stem(x)
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        x = self.sixteenth(eighth)
        x = self.features(x) * self.context(x)
        x = self.decode_half(self.decode_quarter(self.decode_eighth(x, eighth), quarter), half)
        return torch.sigmoid(self.last(x))
