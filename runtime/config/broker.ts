import { z } from 'zod';
import type { Path } from './document.ts';
import type { ConfigReader } from './reader.ts';
import { brokerUrl, filePath } from './values.ts';

/** How a client reaches an MQTT broker. Paths are absolute. */
export interface BrokerClientConfig {
  /** `mqtt://` or `mqtts://`, without user or password. */
  readonly url: string;
  /** Certificates that the broker's must be signed by; undefined: those of the system. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
}

/** The keys of TLS, as files. */
export const tlsShape = {
  ca: filePath().optional().describe('File with the certificates to trust, PEM; left out: those of the system'),
  cert: filePath().optional().describe('File with the own certificate, PEM'),
  key: filePath().optional().describe('File with the key of that certificate, PEM'),
};

/** The keys of a client's login. */
export const loginShape = {
  user: z.string().min(1).max(256).optional().describe('User name, where the broker asks for one'),
  password: filePath().optional().describe('File whose first line is the password'),
};

/** The keys of a connection to a broker. */
export const brokerClientShape = {
  url: brokerUrl().describe('The broker, `mqtt://HOST:PORT` or `mqtts://HOST:PORT` (TLS)'),
  ...tlsShape,
  ...loginShape,
};

/** What a JSON Schema can say of the rules between these keys. */
export const brokerClientNote = { dependentRequired: { cert: ['key'], key: ['cert'], password: ['user'] } };

interface BrokerClientKeys {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export function brokerClientOf({ url, ca, cert, key, user, password }: BrokerClientKeys): BrokerClientConfig {
  return { url, caFile: ca, certFile: cert, keyFile: key, user, passwordFile: password };
}

/** Reports keys of a connection at `path` that make no sense together. */
export function checkBrokerClient(reader: ConfigReader, path: Path): void {
  const has = (key: string): boolean => reader.valueAt([...path, key]) !== undefined;
  checkKeyPair(reader, path);
  const url = reader.valueAt([...path, 'url']);
  if (typeof url === 'string' && url.startsWith('mqtt://')) {
    for (const key of ['ca', 'cert', 'key'].filter(has)) {
      reader.report([...path, key], 'key', 'has no effect without TLS', 'Write `mqtts://` in `url`, or remove it.');
    }
  }
  if (has('password') && !has('user')) {
    reader.report([...path, 'password'], 'key', 'stands without `user`', 'Add `user`.');
  }
}

/** Reports a certificate without its key, and a key without its certificate. */
export function checkKeyPair(reader: ConfigReader, path: Path): void {
  const has = (key: string): boolean => reader.valueAt([...path, key]) !== undefined;
  for (const [one, other] of [
    ['cert', 'key'],
    ['key', 'cert'],
  ] as const) {
    if (has(one) && !has(other)) {
      reader.report([...path, one], 'key', `stands without \`${other}\``, `Add \`${other}\`, or remove both.`);
    }
  }
}
