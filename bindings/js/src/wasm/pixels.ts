import type { RawPixels } from '../backend.js';
import type { EngineImage } from './parts.js';
import type { SentImage } from './platform.js';

/** Pixels on their way to a worker, copied: those of the caller's may change while the call goes on. */
export function sentPixels({ data, width, height, channels, stride }: RawPixels): SentImage {
  const began = performance.now();
  const copy = new Uint8Array(data);
  const image: EngineImage = {
    data: copy,
    width,
    height,
    channels: channels as EngineImage['channels'],
    ...(stride !== undefined && { stride }),
  };
  const decodeMs = performance.now() - began;
  return { image, moved: [copy.buffer], width, height, readMs: 0, decodeMs };
}
