// Writes src/wasm/models.generated.ts, what the wasm backends know of models by name, from the C++ registry: there is one list.
// Whatever it doesn't understand there is an error.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const repository = new URL('../../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, repository), 'utf8');

function need(match, what) {
  if (!match) throw new Error(`registry.mjs doesn't find ${what} in the C++ registry`);
  return match;
}

const source = read('src/resources/registry.cpp');
const header = read('include/silhouette/models.hpp');
const hub = need(/#define SILHOUETTE_HUB "([^"]+)"/.exec(source), 'SILHOUETTE_HUB')[1];
const names = new Map(
  [...header.matchAll(/constexpr std::string_view (k\w+)\s*=\s*"([A-Z0-9_]+)";/g)].map((m) => [m[1], m[2]]),
);

const numbers = (text) => text.split(',').map((number) => Number.parseFloat(number));
const normalizations = new Map([['kUnitRange', { mean: [0, 0, 0], std: [1, 1, 1] }]]);
need(/constexpr Normalization kUnitRange\{\};/.exec(source), 'kUnitRange');
for (const [, name, mean, std] of source.matchAll(/constexpr Normalization (k\w+)\{\{([^}]+)\}, \{([^}]+)\}\};/g)) {
  normalizations.set(name, { mean: numbers(mean), std: numbers(std) });
}

const declared = Number(need(/std::array<ModelEntry, (\d+)>/.exec(source), 'kModels')[1]);
const entries = [...source.matchAll(/\{\.name = (k\w+),\s*([^{}]*?)\}/g)].map(([, constant, fields]) => {
  const field = (name) =>
    need(new RegExp(`\\.${name} =\\s*([^,]*?"[^"]*"|\\w+)`).exec(fields), `${name} of ${constant}`)[1];
  const text = (name) => need(/"([^"]*)"$/.exec(field(name)), `the text of ${name} of ${constant}`)[1];
  const description = need(/\.description = "([^"]*)"/.exec(fields), `description of ${constant}`)[1];
  const name = need(names.get(constant), `the text of ${constant}`);
  const normalization = need(normalizations.get(field('normalization')), `normalization of ${constant}`);
  const url = field('url').startsWith('SILHOUETTE_HUB') ? hub + text('url') : text('url');
  return { name, url, file: text('file'), ...normalization, description };
});
if (entries.length !== declared) throw new Error(`registry.mjs finds ${entries.length} of ${declared} models`);

const version = need(/^project\(.*? VERSION ([\d.]+)/ms.exec(read('CMakeLists.txt')), 'the version')[1];

const text = `// Written by scripts/registry.mjs from src/resources/registry.cpp.
import type { KnownModel } from './registry.js';

/** Of the library. */
export const VERSION = '${version}';

export const KNOWN_MODELS: readonly KnownModel[] = ${JSON.stringify(entries, undefined, 2)};
`;
writeFileSync(fileURLToPath(new URL('../src/wasm/models.generated.ts', import.meta.url)), text);

/** Of the models that come with the package. */
export const embeddedFiles = entries.map(({ file }) => file).filter((file) => file !== '');
