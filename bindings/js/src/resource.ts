import type { BackendLoadOptions, BackendModelSource } from './backend.js';
import { bytesOf, isDistant, readBytes, textOf } from './bytes.js';
import { describeValue, invalidArgument, reportingNow } from './errors.js';
import { isObject, isUrl } from './kinds.js';

/** A model together with what its file doesn't say, or says wrongly. */
export interface ModelConfig {
  modelSource: string | number | URL | ArrayBuffer | ArrayBufferView | Blob | Response;
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
 * a path. `number`: what {@link registerAsset} gave. `object`: a `URL`; a `Buffer`, `Uint8Array`, `ArrayBuffer`, `Blob`,
 * `Response` or stream of the bytes of a `.pte` file; a {@link ModelConfig}.
 */
export type ResourceSource = string | number | object;

/** A checked source; `source` is what {@link readModel} takes. */
export interface ResolvedResource {
  source: unknown;
  options: BackendLoadOptions;
}

const assets: string[] = [];

/**
 * Gives a file that comes with an application a number, as `require('./model.pte')` does in React Native. The same path
 * always gets the same number.
 */
export function registerAsset(path: string | URL): number {
  const text = reportingNow(() => textOf(path));
  if (text === undefined) throw invalidArgument(`registerAsset takes a path or a URL, not ${describeValue(path)}`);
  if (text === '') throw invalidArgument('registerAsset got an empty path; name a .pte file');
  const known = assets.indexOf(text);
  if (known >= 0) return known + 1;
  assets.push(text);
  return assets.length;
}

function resolveModel(source: unknown): unknown {
  if (typeof source === 'number') {
    const path = assets[source - 1];
    if (path === undefined) {
      throw invalidArgument(`there is no asset of number ${String(source)}; register one with registerAsset(path)`);
    }
    return path;
  }
  if (isDistant(source)) return source;
  const resolved = textOf(source) ?? bytesOf(source);
  if (resolved !== undefined) return resolved;
  throw invalidArgument(
    `a model source is ${describeValue(source)}; give a constant, path, URL, number of an asset, bytes or { modelSource }`,
  );
}

/** Brings a resolved source to what backends take. Reading of streams ends when `signal` aborts. */
export async function readModel(source: unknown, signal?: AbortSignal): Promise<BackendModelSource> {
  if (!isDistant(source)) return source as BackendModelSource;
  // As much as is read from a URL.
  return readBytes(source, { what: 'the model', mostBytes: 4 * 1024 ** 3 }, signal);
}

function checkTriple(value: unknown, name: string): [number, number, number] {
  const numbers: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : [];
  if (numbers.length !== 3 || !numbers.every((n) => typeof n === 'number' && Number.isFinite(n))) {
    throw invalidArgument(
      `${name} must be an array of 3 numbers, for red, green and blue; it is ${describeValue(value)}`,
    );
  }
  return numbers as [number, number, number];
}

/** Checks a source and takes it apart. */
export function resolveResource(resource: unknown): ResolvedResource {
  if (!isObject(resource) || !('modelSource' in resource)) {
    return { source: resolveModel(resource), options: {} };
  }
  const { modelSource, labels, mean, std, sha256 } = resource as Record<keyof ModelConfig, unknown>;
  const options: BackendLoadOptions = {};
  const given = (value: unknown): boolean => value !== undefined && value !== null;
  if (given(labels)) {
    // A copy: what a reactive library gives out for an array is none to the addon.
    const texts: unknown[] = Array.isArray(labels) ? [...(labels as unknown[])] : [labels];
    if (!Array.isArray(labels) || !texts.every((label) => typeof label === 'string')) {
      throw invalidArgument(`labels must be an array of strings; it is ${describeValue(labels)}`);
    }
    options.labels = texts;
  }
  if (given(mean)) options.mean = checkTriple(mean, 'mean');
  if (given(std)) options.std = checkTriple(std, 'std');
  if (given(sha256)) {
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
  if (typeof resource === 'number') return `asset ${String(resource)}`;
  if (!isObject(resource)) return typeof resource === 'string' ? `text ${resource}` : String(resource);
  try {
    if (isUrl(resource)) return `text ${resource.href}`;
    if ('modelSource' in resource) {
      const { modelSource, labels, mean, std, sha256 } = resource as ModelConfig;
      return JSON.stringify([resourceKey(modelSource), labels, mean, std, sha256]);
    }
  } catch {
    // What is wrong with it, loading says.
  }
  return identify(resource);
}
