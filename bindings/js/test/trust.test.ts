/** Whom downloads trust, as node is told. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { chelsea, onlyWithAddon, packageRoot, scratchFolder, tinyFile } from './support.js';

const folder = scratchFolder();
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
let server: Server;
let url: string;

before(async () => {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const output = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...output], {
    stdio: 'ignore',
  });
  const photo = readFileSync(chelsea);
  server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_request, response) => {
    response.end(photo);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `https://localhost:${String((server.address() as AddressInfo).port)}/photo.png`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Segments the photo of the server in a process of its own; its size, or what went wrong. */
async function download(env: NodeJS.ProcessEnv, around: string[] = [], preload = ''): Promise<string> {
  const code = `${preload}
    const { Segmenter } = require(${JSON.stringify(packageRoot)});
    Segmenter.load(${JSON.stringify(tinyFile)}).then((segmenter) => segmenter.segment('${url}', { resize: true }))
      .then(({ width, height }) => console.log(width, height), ({ code, message }) => console.log(code, message));`;
  const [command, ...args] = [...around, process.execPath, '-e', code];
  const none = { NODE_EXTRA_CA_CERTS: '', SSL_CERT_FILE: '', SSL_CERT_DIR: '', CURL_CA_BUNDLE: '' };
  const child = spawn(command, args, {
    env: { ...process.env, ...none, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise((done) => child.on('close', done));
  return output.trim();
}

const skip = onlyWithAddon('node downloads itself, and trusts its own in any case');

test('NODE_EXTRA_CA_CERTS is trusted besides', async () => {
  assert.match(await download({}), /^DOWNLOAD_FAILED .*localhost/);
  assert.equal(await download({ NODE_EXTRA_CA_CERTS: certificate }), '451 300');
  const mixed = join(folder, 'mixed.pem');
  const broken = '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n';
  writeFileSync(mixed, `some words\n${broken}${readFileSync(certificate, 'latin1')}`);
  // Node itself goes without the whole file then.
  if (skip === false) assert.equal(await download({ NODE_EXTRA_CA_CERTS: mixed }), '451 300');
  assert.match(await download({ NODE_EXTRA_CA_CERTS: '/no/such.pem' }), /^DOWNLOAD_FAILED .*localhost/);
});

test("without certificates on the system, node's own are trusted", { skip }, async (t) => {
  // A system without them: in a mount namespace, the folders that have them are empty.
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const hide = ['/etc/ssl', '/etc/pki', '/usr/lib/ssl']
    .map((place) => `if [ -d ${place} ]; then mount --bind '${empty}' ${place} || exit 99; fi`)
    .join('\n');
  const around = ['unshare', '--mount', 'sh', '-c', `${hide}\nexec "$@"`, 'sh'];
  if (spawnSync(around[0] as string, [...around.slice(1), 'true'], { stdio: 'ignore' }).status !== 0) {
    t.skip('mounting is not allowed here');
    return;
  }
  const refused = await download({}, around);
  assert.match(refused, /^DOWNLOAD_FAILED .*localhost/);
  assert.doesNotMatch(refused, /no certificates/);
  // As if the server's certificate were one of node's.
  const pem = JSON.stringify(readFileSync(certificate, 'latin1'));
  const preload = `const Module = require('node:module');
    const load = Module._load;
    Module._load = (name, ...rest) => (name === 'node:tls' ? { rootCertificates: [${pem}] } : load(name, ...rest));`;
  assert.equal(await download({}, around, preload), '451 300');
});
