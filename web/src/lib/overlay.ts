import type { ClassMap } from './class-map.js';
import { channelsOf, type HexColor } from './palette.js';

/** How a class is shown. */
export interface Layer {
  readonly visible: boolean;
  /** 0 … 1. */
  readonly opacity: number;
  readonly color: HexColor;
}

export interface OverlayStyle {
  readonly layers: readonly Layer[];
  /** The class that somebody points at: others step back. */
  readonly emphasis?: number | undefined;
  /** Colours alone, as a mask is: opaque, without outlines. */
  readonly flat?: boolean;
}

const STEP_BACK = 0.3;
const OUTLINE = 0.45;

/** A pixel as canvases on little-endian machines (all that browsers run on) have it. */
function packed([red, green, blue]: readonly [number, number, number], alpha: number): number {
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Colours within classes and along their edges, by channel. */
function colorsOf({ layers, emphasis, flat }: OverlayStyle): [inside: Uint32Array, edge: Uint32Array] {
  const inside = new Uint32Array(layers.length);
  const edge = new Uint32Array(layers.length);
  layers.forEach(({ visible, opacity, color }, channel) => {
    if (!visible) return;
    const rgb = channelsOf(color);
    const strength = emphasis === undefined || emphasis === channel ? 1 : STEP_BACK;
    const alpha = (flat === true ? 1 : opacity) * strength;
    inside[channel] = packed(rgb, alpha);
    edge[channel] = packed(rgb, flat === true || opacity === 0 ? alpha : Math.min(1, alpha + OUTLINE * strength));
  });
  return [inside, edge];
}

/**
 * Paints a class map over the whole of `canvas`, which gets its size: one look-up a pixel, so that toggling a class takes a
 * few milliseconds and asks nobody.
 */
export function paintOverlay(canvas: HTMLCanvasElement, map: ClassMap, style: OverlayStyle): void {
  const { width, height, argmax, edges } = map;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d');
  if (context === null) return;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [inside, edge] = colorsOf(style);
  for (let i = 0; i < pixels.length; ++i) {
    const channel = argmax[i] as number;
    pixels[i] = (edges[i] === 1 ? edge[channel] : inside[channel]) ?? 0;
  }
  context.putImageData(image, 0, 0);
}
