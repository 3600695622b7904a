/** Model files that are here: those of the user's and those that come with the package. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { invalidArgument, messageOf, SegmentationError } from '../errors.js';
import { KNOWN_MODELS } from '../wasm/registry.js';
import { displaySource } from '../wasm/sources.js';
import { checkPath, exists, pathFromFileUri, readFile, trimmed } from './files.js';

/** What a buffer may have, and more than an engine has room for. */
const MOST_BYTES = 2 ** 31 - 1;

const packageRoot = join(__dirname, '..', '..', '..');

/** How many single characters make one text the other (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; ++i) {
    const next = [i];
    for (let j = 1; j <= b.length; ++j) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function unknownName(source: string): SegmentationError {
  const names = KNOWN_MODELS.map(({ name }) => name);
  const wanted = source.toUpperCase().slice(0, 64);
  const [nearest] = names.map((name) => ({ name, steps: distance(wanted, name) })).sort((a, b) => a.steps - b.steps);
  const meant =
    nearest !== undefined && nearest.steps <= nearest.name.length / 3 ? `did you mean ${nearest.name}? ` : '';
  return invalidArgument(
    `'${displaySource(source)}' is neither a file nor a known model; ${meant}known are ${names.join(', ')}`,
  );
}

/** The path of a model file that somebody named. */
export async function pathOfModel(given: string): Promise<string> {
  const source = await trimmed(given);
  const path = /^file:\//i.test(source) ? pathFromFileUri(source) : source;
  checkPath(path, "a model's name, path or URL");
  const shown = displaySource(source);
  let status;
  try {
    status = await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ENAMETOOLONG') {
      throw new SegmentationError('IO_ERROR', `can't look at '${shown}': ${messageOf(error)}`, { cause: error });
    }
    if (!/[./\\ ]/.test(source)) throw unknownName(source);
    throw new SegmentationError('FILE_NOT_FOUND', `there is no file '${shown}'; give the path, URL or name of a model`);
  }
  if (status.isFile()) return path;
  const what = status.isDirectory() ? 'a directory' : 'no regular file';
  throw new SegmentationError('IO_ERROR', `'${shown}' is ${what}; give a model file`);
}

/** The path of a model that comes with the package. */
export async function pathOfEmbedded(file: string): Promise<string> {
  const chosen = process.env['SILHOUETTE_MODELS'];
  const folders = [
    ...(chosen ? [chosen] : []),
    join(packageRoot, 'dist', 'models'),
    // Of the sources.
    join(packageRoot, '..', '..', 'models'),
  ];
  for (const folder of folders) if (await exists(join(folder, file))) return join(folder, file);
  throw new SegmentationError(
    'FILE_NOT_FOUND',
    `the model ${file} is in none of the folders ${folders.join(', ')}; set $SILHOUETTE_MODELS to the one that has it`,
  );
}

export async function readModelFile(source: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(await pathOfModel(source), MOST_BYTES);
}

export async function readEmbeddedModel(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(await pathOfEmbedded(file), MOST_BYTES);
}
