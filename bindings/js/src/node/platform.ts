import { resolveObjectURL } from 'node:buffer';

import { ModelDownloads } from '../wasm/downloads.js';
import type { Platform } from '../wasm/platform.js';
import { KNOWN_MODELS } from '../wasm/registry.js';
import { cachedName, displaySource } from '../wasm/sources.js';
import { invalidArgument } from '../errors.js';
import { compile, maxMemoryBytes, threads } from './engines.js';
import { readableImageFormats, readImage } from './images.js';
import { pathOfEmbedded, pathOfModel, readEmbeddedModel, readModelFile } from './models.js';
import { hasSharp, writeTexts } from './sharp.js';
import { modelLimits, openFileStore } from './store.js';
import { startWorker } from './threads.js';

/** Where a registered model is really asked for: at a mirror, if there is one. */
function addressOf(url: string): string {
  const mirror = process.env['SILHOUETTE_MODEL_HOST'];
  if (!mirror || !KNOWN_MODELS.some((model) => model.url === url)) return url;
  if (!/^https?:\/\/[^/?#]+[^?#]*$/i.test(mirror)) {
    throw invalidArgument(
      `$SILHOUETTE_MODEL_HOST is '${displaySource(mirror)}'; it must be like https://mirror.example or ` +
        'https://mirror.example/folder',
    );
  }
  return mirror.replace(/\/+$/, '') + url.replace(/^https?:\/\/[^/]*/i, '');
}

/** Node without an addon. `reason`: why it has none. */
export function nodePlatform(reason: string): Platform {
  return {
    reason,
    threads,
    maxMemoryBytes,
    compile,
    startWorker,
    readEmbeddedModel,
    readModelFile,
    placeOfModel: (source, embedded) => (embedded ? pathOfEmbedded(source) : pathOfModel(source)),
    readImage,
    readableImageFormats,
    resolveBlobUrl: (url) => Promise.resolve(resolveObjectURL(url) as Blob | undefined),
    // Its limits are the environment's at the moment of the call.
    get downloads() {
      return new ModelDownloads({
        store: openFileStore,
        limits: modelLimits(),
        address: addressOf,
        modelName: (name) => KNOWN_MODELS.find(({ url }) => url !== '' && cachedName(url) === name)?.name,
      });
    },
    get writeTexts() {
      return hasSharp() ? writeTexts : undefined;
    },
  };
}
