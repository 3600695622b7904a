/** Files of the user's, with messages that name them. */
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { invalidArgument, messageOf, SegmentationError } from '../errors.js';
import { displaySource } from '../wasm/sources.js';

/** A failure of the file system. */
export function fileError(error: unknown, verb: string, path: string): SegmentationError {
  if (error instanceof SegmentationError) return error;
  const { code } = error as { code?: unknown };
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  const shown = displaySource(path);
  if (code === 'ENOMEM' || code === 'ERR_FS_FILE_TOO_LARGE' || (error as { name?: unknown }).name === 'RangeError') {
    return new SegmentationError('LIMIT_EXCEEDED', `no memory to ${verb} '${shown}'; end other programs`, {
      cause: error,
    });
  }
  return new SegmentationError(
    missing ? 'FILE_NOT_FOUND' : 'IO_ERROR',
    missing ? `there is no file '${shown}'` : `can't ${verb} '${shown}': ${messageOf(error)}`,
    { cause: error },
  );
}

/** Whether something is called so. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** A text without the blanks around it that come along when something is pasted, unless a file is called so. */
export async function trimmed(text: string): Promise<string> {
  const short = text.replace(/^[\s\u200b]+|[\s\u200b]+$/g, '');
  return short === text || text.includes('\0') || !(await exists(text)) ? short : text;
}

/** Refuses what can't be a path. `instead`: what may be given. */
export function checkPath(text: string, instead: string): void {
  if (text === '') throw invalidArgument(`the source is empty; give ${instead}`);
  if (text.includes('\0')) throw invalidArgument(`the source '${displaySource(text)}' contains a NUL character`);
  const scheme = /^([a-z\d+._:-]+):\/\//i.exec(text)?.[1];
  if (scheme !== undefined && !/^[a-z]:[\\/]/i.test(text)) {
    const known = 'known are http, https, file and data';
    throw invalidArgument(`'${displaySource(text)}' has the unknown scheme '${scheme.slice(0, 40)}'; ${known}`);
  }
}

/** The path that a `file:` URI names. */
export function pathFromFileUri(uri: string): string {
  try {
    return fileURLToPath(uri.replace(/[?#].*$/s, ''));
  } catch (error) {
    throw invalidArgument(
      `'${displaySource(uri)}' is no file URI of this machine (${messageOf(error)}); one is like file:///home/me/a%20photo.jpg`,
      { cause: error },
    );
  }
}

async function readOpen(file: FileHandle, path: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const shown = displaySource(path);
  const status = await file.stat();
  if (!status.isFile()) {
    const what = status.isDirectory() ? 'is a directory; give a file' : 'is not a regular file; copy it to one first';
    throw new SegmentationError('IO_ERROR', `'${shown}' ${what}`);
  }
  if (status.size > mostBytes) {
    const sizes = `${String(status.size)} bytes, the limit is ${String(mostBytes)}`;
    throw new SegmentationError('LIMIT_EXCEEDED', `'${shown}' has ${sizes}`);
  }
  // Memory of its own, which can be sent to a worker: Node's small buffers share theirs.
  const bytes = new Uint8Array(status.size);
  let size = 0;
  while (size < bytes.length) {
    const { bytesRead } = await file.read(bytes, size, bytes.length - size, size);
    if (bytesRead === 0) {
      const sizes = `${String(size)} of ${String(bytes.length)} bytes`;
      throw new SegmentationError('IO_ERROR', `'${shown}' became shorter while it was read: ${sizes}; try again`);
    }
    size += bytesRead;
  }
  return bytes;
}

/** A file's bytes. */
export async function readFile(path: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  let file: FileHandle | undefined;
  try {
    // A pipe that nobody writes to would be waited for.
    file = await open(path, constants.O_RDONLY | ((constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0));
    return await readOpen(file, path, mostBytes);
  } catch (error) {
    throw fileError(error, 'read', path);
  } finally {
    await file?.close().catch(() => undefined);
  }
}
