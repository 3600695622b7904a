import type { BackendLoadOptions, BackendModelSource } from './backend.js';
import { describeValue, invalidArgument } from './errors.js';

/** A model together with what its file doesn't say, or says wrongly. */
export interface ModelConfig {
  modelSource: string | number | URL | ArrayBuffer | ArrayBufferView;
  /** Names of the classes, as many as the model has. */
  labels?: readonly string[];
  /** Per-channel normalisation, RGB on the scale 0 … 1: `(pixel / 255 − mean) / std`. */
  mean?: readonly [number, number, number];
  std?: readonly [number, number, number];
  /** 64 hexadecimal digits that the file must have; a file that hasn't is refused. */
  sha256?: string;
}

/**
 * Where a model comes from. `string`: a constant of this package (`DEEPLAB_V3_RESNET50`), an http(s) URL, a `file://` URI or
 * a path. `number`: what {@link registerAsset} gave. `object`: a `URL`; a `Buffer`, `Uint8Array` or `ArrayBuffer` with the
 * bytes of a `.pte` file; a {@link ModelConfig}.
 */
export type ResourceSource = string | number | object;

/** A source as the backend takes it. */
export interface ResolvedResource {
  source: BackendModelSource;
  options: BackendLoadOptions;
}

const assets: string[] = [];

/**
 * Gives a file that comes with an application a number, as `require('./model.pte')` does in React Native. The same path
 * always gets the same number.
 */
export function registerAsset(path: string | URL): number {
  if (typeof path !== 'string' && !(path instanceof URL)) {
    throw invalidArgument(`registerAsset takes a path or a URL, not ${describeValue(path)}`);
  }
  const text = path instanceof URL ? path.href : path;
  if (text === '') throw invalidArgument('registerAsset got an empty path; name a .pte file');
  const known = assets.indexOf(text);
  if (known >= 0) return known + 1;
  assets.push(text);
  return assets.length;
}

/** A byte-wise view of a buffer, or undefined for anything else. Shared memory is copied: it may change while it is read. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer)
    return new Uint8Array(value).slice();
  if (!ArrayBuffer.isView(value)) return undefined;
  const view = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value.buffer instanceof ArrayBuffer ? view : view.slice();
}

function resolveModel(source: unknown): BackendModelSource {
  if (typeof source === 'string') return source;
  if (typeof source === 'number') {
    const path = assets[source - 1];
    if (path === undefined) {
      throw invalidArgument(`there is no asset of number ${String(source)}; register one with registerAsset(path)`);
    }
    return path;
  }
  if (source instanceof URL) return source.href;
  const bytes = bytesOf(source);
  if (bytes !== undefined) return bytes;
  throw invalidArgument(
    `a model source is ${describeValue(source)}; give a constant, path, URL, number of an asset, bytes or { modelSource }`,
  );
}

function checkTriple(value: unknown, name: string): [number, number, number] {
  const numbers: unknown[] = Array.isArray(value) ? value : [];
  if (numbers.length !== 3 || !numbers.every((n) => typeof n === 'number' && Number.isFinite(n))) {
    throw invalidArgument(
      `${name} must be an array of 3 numbers, for red, green and blue; it is ${describeValue(value)}`,
    );
  }
  return numbers as [number, number, number];
}

/** Checks a source and takes it apart. */
export function resolveResource(resource: unknown): ResolvedResource {
  if (typeof resource !== 'object' || resource === null || !('modelSource' in resource)) {
    return { source: resolveModel(resource), options: {} };
  }
  const { modelSource, labels, mean, std, sha256 } = resource as Record<keyof ModelConfig, unknown>;
  const options: BackendLoadOptions = {};
  if (labels !== undefined) {
    if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
      throw invalidArgument(`labels must be an array of strings; it is ${describeValue(labels)}`);
    }
    options.labels = labels;
  }
  if (mean !== undefined) options.mean = checkTriple(mean, 'mean');
  if (std !== undefined) options.std = checkTriple(std, 'std');
  if (sha256 !== undefined) {
    if (typeof sha256 !== 'string' || !/^[\da-f]{64}$/i.test(sha256)) {
      throw invalidArgument(`sha256 must be 64 hexadecimal digits; it is ${describeValue(sha256)}`);
    }
    options.sha256 = sha256.toLowerCase();
  }
  return { source: resolveModel(modelSource), options };
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

function identify(value: object): string {
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return `object ${String(identity)}`;
}

/**
 * A text that is equal for two sources that mean the same model: for bytes, the same buffer, since comparing them would
 * take longer than it helps.
 */
export function resourceKey(resource: unknown): string {
  if (typeof resource === 'string') return `text ${resource}`;
  if (typeof resource === 'number') return `asset ${String(resource)}`;
  if (resource instanceof URL) return `text ${resource.href}`;
  if (typeof resource !== 'object' || resource === null) return String(resource);
  if ('modelSource' in resource) {
    const { modelSource, labels, mean, std, sha256 } = resource as ModelConfig;
    return JSON.stringify([resourceKey(modelSource), labels, mean, std, sha256]);
  }
  return identify(resource);
}
