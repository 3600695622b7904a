import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Tls from 'node:tls';

/** The sound ones of a file of certificates: one that is broken would cost us the others. */
function soundCertificates(text: string): string {
  const all = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const sound = all.filter((certificate) => {
    try {
      new X509Certificate(certificate);
      return true;
    } catch {
      return false;
    }
  });
  return sound.join('\n');
}

/** What node is told to trust besides. As node does, goes without a file that can't be read; node has warned of it. */
function extraCertificates(): string {
  const path = process.env['NODE_EXTRA_CA_CERTS'];
  if (!path) return '';
  try {
    return soundCertificates(readFileSync(path, 'latin1'));
  } catch {
    return '';
  }
}

/** Node's own, for systems that have none, as slim images of containers. It takes milliseconds to get at them. */
function ownCertificates(): string {
  if (existsSync('/etc/ssl/certs/ca-certificates.crt')) return '';
  const { rootCertificates } = createRequire(__filename)('node:tls') as typeof Tls;
  return rootCertificates.join('\n');
}

/** Certificates that downloads trust besides the system's, and where the system has none. */
export function certificates(): { added: string; fallback: string } {
  return { added: extraCertificates(), fallback: ownCertificates() };
}
