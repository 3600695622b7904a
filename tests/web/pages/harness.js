// What tests find in the page: the package as `silhouette`, and a few things that they all need.
import * as silhouette from '/package/dist/esm/index.js';

import { countPerson } from '/person.js';

Object.assign(window, { silhouette, countPerson });

/** What became of a promise, as a value: tests look at errors outside of the page. */
window.outcome = async (promise) => {
  try {
    return { value: await promise };
  } catch (error) {
    return {
      error: {
        isOurs: error instanceof silhouette.SegmentationError,
        name: error?.name,
        code: error?.code,
        message: error?.message ?? String(error),
      },
    };
  }
};

/** A photo's pixels as the browser decodes it. */
window.pixelsOf = async (url) => {
  const bitmap = await createImageBitmap(await (await fetch(url)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
};

/** An image as an element, loaded. */
window.elementOf = async (url) => {
  const element = new Image();
  element.src = url;
  await element.decode();
  return element;
};

/** What an image segments to, in a form that tests compare. */
window.segmented = async (segmenter, input, options) => {
  const { width, height, argmax, probabilities, info } = await segmenter.segment(input, options);
  return { width, height, argmax, probabilities: Object.fromEntries(probabilities), info };
};

/** One image in all that an image may be, by name. */
window.makeInputs = async (url) => {
  const blob = await (await fetch(url)).blob();
  const buffer = await blob.arrayBuffer();
  const pixels = await window.pixelsOf(url);
  const { width, height, data } = pixels;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; ++i) rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  const padded = new Uint8Array((width * 4 + 12) * height);
  for (let y = 0; y < height; ++y) padded.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 12));
  const canvas = document.createElement('canvas');
  const offscreen = new OffscreenCanvas(width, height);
  for (const surface of [canvas, offscreen]) {
    Object.assign(surface, { width, height });
    surface.getContext('2d').putImageData(pixels, 0, 0);
  }
  const dataUri = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
  const element = await window.elementOf(url);
  document.body.append(element);
  return {
    ImageData: pixels,
    'pixels of three channels': { data: rgb, width, height, channels: 3 },
    'pixels with a stride': { data: padded, width, height, channels: 4, stride: width * 4 + 12 },
    Blob: blob,
    File: new File([blob], 'photo.png', { type: 'image/png' }),
    'Blob without a type': new Blob([buffer]),
    ArrayBuffer: buffer.slice(0),
    Uint8Array: new Uint8Array(buffer.slice(0)),
    DataView: new DataView(buffer.slice(0)),
    Response: await fetch(url),
    ReadableStream: blob.stream(),
    address: new URL(url, location.href).href,
    'relative address': url,
    URL: new URL(url, location.href),
    'data URI': dataUri,
    base64: dataUri.slice(dataUri.indexOf(',') + 1),
    'blob: URL': URL.createObjectURL(blob),
    ImageBitmap: await createImageBitmap(blob),
    HTMLImageElement: element,
    HTMLCanvasElement: canvas,
    OffscreenCanvas: offscreen,
    VideoFrame: new VideoFrame(canvas, { timestamp: 0 }),
  };
};

window.ready = true;
