import type { Picture } from './parts.js';
import { VOC_PALETTE } from './png.js';

/** The same picture as canvases have it: RGBA. One channel is numbers of classes, which get the colours of PASCAL VOC. */
export function toRgba({ width, height, channels, data }: Picture): Picture {
  if (channels === 4) return { width, height, channels, data };
  const rgba = new Uint8Array(width * height * 4);
  const colors = channels === 1 ? VOC_PALETTE : data;
  for (let i = 0, to = 0; to < rgba.length; ++i, to += 4) {
    const from = 3 * (channels === 1 ? (data[i] as number) : i);
    rgba[to] = colors[from] as number;
    rgba[to + 1] = colors[from + 1] as number;
    rgba[to + 2] = colors[from + 2] as number;
    rgba[to + 3] = 255;
  }
  return { width, height, channels: 4, data: rgba };
}
