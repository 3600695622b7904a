/** The models that come with the package, from where its files are. */
import { messageOf, SegmentationError } from '../errors.js';
import { cancelledError } from '../wasm/call.js';
import type { FileRequest } from '../wasm/platform.js';
import { join } from '../wasm/png.js';
import { modelUrl } from './files.js';

/** No model of the package is larger than this: a server that sends more sends something else. */
const MOST_BYTES = 256 * 2 ** 20;

/** Bytes of a response's body; `total` is known to be right unless the server compresses. */
async function readBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  total: number,
  onProgress: (fraction: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    if (received > MOST_BYTES) {
      await reader.cancel();
      throw new Error('what the server sends is too long');
    }
    if (received < total) onProgress(received / total);
  }
  return join(parts);
}

/** What `Platform.readEmbeddedModel` does. */
export async function readEmbeddedModel(
  file: string,
  { onProgress, signal }: FileRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = modelUrl(file);
  const failed = (why: string, cause?: unknown): SegmentationError =>
    new SegmentationError(
      'FILE_NOT_FOUND',
      `the model ${file} can't be had from '${url}': ${why}; name the place of the package's dist/models/ with ` +
        'configure({ modelsUrl })',
      { cause },
    );
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw failed(`HTTP status ${String(response.status)}`);
    onProgress(0);
    const total = Number(response.headers.get('Content-Length') ?? 0);
    const bytes =
      response.body === null
        ? new Uint8Array(await response.arrayBuffer())
        : await readBody(response.body, total, onProgress);
    // Some servers send a page in place of what they haven't.
    if (/^<[!h]/i.test(String.fromCharCode(...bytes.subarray(0, 2)))) throw failed('the server sends a page instead');
    return bytes;
  } catch (error) {
    if (signal.aborted) throw cancelledError();
    throw error instanceof SegmentationError ? error : failed(messageOf(error), error);
  }
}
