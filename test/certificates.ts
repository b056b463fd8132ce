import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './processes.ts';

/** Files in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  /** Of the broker, good for 127.0.0.1 and localhost. */
  readonly broker: Identity;
  readonly centre: Identity;
  /** Of the gateway, whose name is the certificate's. */
  readonly gateway: Identity;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = '2';

/** An authority and what it has signed, made by OpenSSL in `folder`. */
export async function makeCertificates(folder: string, gateway: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true });
  const ca = { cert: join(folder, 'ca.pem'), key: join(folder, 'ca.key') };
  const subject = ['-subj', '/CN=mooring test authority', '-days', DAYS];
  await runTool('openssl', ['req', '-x509', ...NEW_KEY, '-keyout', ca.key, '-out', ca.cert, ...subject]);
  return {
    ca: ca.cert,
    broker: await signed(folder, ca, 'broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost'),
    centre: await signed(folder, ca, 'centre', 'extendedKeyUsage=clientAuth'),
    gateway: await signed(folder, ca, gateway, 'extendedKeyUsage=clientAuth'),
  };
}

async function signed(folder: string, ca: Identity, name: string, extension: string): Promise<Identity> {
  const identity = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  writeFileSync(extensions, `${extension}\n`);
  await runTool('openssl', ['req', ...NEW_KEY, '-keyout', identity.key, '-out', request, '-subj', `/CN=${name}`]);
  const signing = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', DAYS, '-extfile', extensions];
  await runTool('openssl', ['x509', '-req', '-in', request, '-out', identity.cert, ...signing]);
  return identity;
}
