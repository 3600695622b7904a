import type { CachedModel } from '../backend.js';
import { join } from './png.js';

/** Which version of a file the bytes of an unfinished download are of. */
export interface PartVersion {
  /** A strong ETag. */
  readonly etag: string;
  /** Bytes of the whole file, if they are known. */
  readonly total: number | undefined;
}

/** A file on its way, to be used under its lock. Failures are `IO_ERROR`, or `LIMIT_EXCEEDED` where there is no room. */
export interface Part {
  readonly size: number;
  /** The version that the bytes belong to; undefined if the download can't be resumed. */
  readonly version: PartVersion | undefined;
  /** Drops all bytes. With an ETag, those to come can be resumed later. `total`: as many will be needed, if that is known. */
  restart(etag: string, total: number | undefined): Promise<void>;
  append(bytes: Uint8Array): Promise<void>;
  /** All bytes that there are. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
  /** Makes it the whole file. */
  commit(): Promise<void>;
  discard(): Promise<void>;
  /** Leaves what is there to be resumed. */
  close(): Promise<void>;
}

/** How far a download is. */
export interface Progress {
  readonly received: number;
  readonly total: number | undefined;
}

/** Where downloads are kept, by the name that `cachedName` gives. */
export interface ModelStore {
  /** What callers get to see of a file's place. */
  place(name: string): string;
  /** The name of the file that has this place, or undefined. */
  nameOf(place: string): string | undefined;
  /** Whether the file is here, whole. */
  has(name: string): Promise<boolean>;
  /** The file's bytes, if it is here whole; it counts as used then. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Opens what an interrupted download left, or begins anew. */
  open(name: string): Promise<Part>;
  /** How far a download is that somebody else makes. */
  progress(name: string): Promise<Progress | undefined>;
  /** Runs `body` while nobody else, here or elsewhere, may change this file. Waits until then unless `signal` aborts. */
  lock<T>(name: string, signal: AbortSignal, body: () => Promise<T>): Promise<T>;
  /** The same without waiting: undefined if somebody else has the lock. */
  tryLock<T>(name: string, body: () => Promise<T>): Promise<T | undefined>;
  /** Everything that is kept; `name` of the models isn't known here. */
  list(): Promise<CachedModel[]>;
  /** Deletes a file, whole or unfinished, under its lock; whether there was a whole one. */
  delete(name: string): Promise<boolean>;
}

/** A download that is kept in memory only. */
export class MemoryPart implements Part {
  #parts: Uint8Array[] = [];
  size = 0;
  version: PartVersion | undefined;

  restart(etag: string, total: number | undefined): Promise<void> {
    this.#parts = [];
    this.size = 0;
    this.version = etag === '' ? undefined : { etag, total };
    return Promise.resolve();
  }

  append(bytes: Uint8Array): Promise<void> {
    // A chunk of a response is nobody else's.
    this.#parts.push(bytes);
    this.size += bytes.length;
    return Promise.resolve();
  }

  read(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = join(this.#parts);
    this.#parts = [bytes];
    return Promise.resolve(bytes);
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  discard(): Promise<void> {
    return this.restart('', undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Where nothing can be kept: every download is made anew. */
export class NoStore implements ModelStore {
  place(name: string): string {
    return name;
  }

  nameOf(): undefined {
    return undefined;
  }

  has(): Promise<boolean> {
    return Promise.resolve(false);
  }

  read(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  open(): Promise<Part> {
    return Promise.resolve(new MemoryPart());
  }

  progress(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  lock<T>(_name: string, _signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    return body();
  }

  tryLock<T>(_name: string, body: () => Promise<T>): Promise<T> {
    return body();
  }

  list(): Promise<CachedModel[]> {
    return Promise.resolve([]);
  }

  delete(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
