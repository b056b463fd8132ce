import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { ListenTlsConfig } from '../config/types.ts';
import { revokedSerialsIn, serialText } from './revocation-list.ts';

export interface ListenerTlsOptions {
  readonly config: ListenTlsConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** The files have changed: what new connections are to be judged by, and reason to judge those that live. */
  readonly onChange: (context: SecureContextOptions) => void;
  /** Once in a while: a certificate may have ended. */
  readonly onLook: () => void;
}

/** Between two looks at the files and at whose certificate has ended, in milliseconds. */
const LOOK_MS = 10_000;

/**
 * The certificates of the embedded broker: read at the start, and again when a file changes. A change that cannot be used
 * is told, and what was there before stays.
 */
export class ListenerTls {
  readonly #options: ListenerTlsOptions;
  #versions = '';
  #revoked: ReadonlySet<string> = new Set();
  #cancel: (() => void) | undefined;
  #isFailing = false;

  constructor(options: ListenerTlsOptions) {
    this.#options = options;
  }

  /** Throws `CONFIG_INVALID` or `CONFIG_UNREADABLE`. */
  async open(): Promise<SecureContextOptions> {
    this.#versions = await this.#versionsNow();
    const context = await this.#read();
    this.#wait();
    return context;
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Why a connection may not be, or be any longer; undefined where it may. */
  faultOf(socket: TLSSocket): string | undefined {
    const { serialNumber, valid_to } = socket.getPeerCertificate();
    if (serialNumber === undefined) return undefined;
    if (this.#revoked.has(serialText(serialNumber))) return 'the certificate is revoked';
    return Date.parse(valid_to) < this.#options.clock.wallMs() ? 'the certificate has ended' : undefined;
  }

  #wait(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    await this.#reread();
    // Closed while it read.
    if (this.#cancel === undefined) return;
    this.#options.onLook();
    this.#wait();
  }

  async #reread(): Promise<void> {
    const { log, onChange } = this.#options;
    const versions = await this.#versionsNow();
    if (versions === this.#versions) return;
    try {
      const context = await this.#read();
      if (this.#cancel === undefined) return;
      onChange(context);
      log.info({}, 'the embedded broker has read its certificates again');
      this.#versions = versions;
      this.#isFailing = false;
    } catch (error) {
      const err = toMooringError(error, 'CONFIG_INVALID', 'certificates cannot be read again');
      if (!this.#isFailing) log.error({ err }, 'changed certificates are not taken: those from before stay');
      this.#isFailing = true;
    }
  }

  /** Changes with any of the files. */
  async #versionsNow(): Promise<string> {
    const { certFile, keyFile, caFile, crlFile } = this.#options.config;
    const versions = [certFile, keyFile, caFile, crlFile].map(async (path) => {
      if (path === undefined) return '';
      // One that is away is found by reading.
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? 'absent' : [found.mtimeMs, found.ctimeMs, found.size, found.ino].join(' ');
    });
    return (await Promise.all(versions)).join('\n');
  }

  async #read(): Promise<SecureContextOptions> {
    const { certFile, keyFile, caFile, crlFile } = this.#options.config;
    const [cert, key] = [await read(certFile), await read(keyFile)];
    const ca = caFile === undefined ? {} : { ca: await read(caFile) };
    const crl = crlFile === undefined ? undefined : await read(crlFile);
    const context = { cert, key, ...ca, ...(crl === undefined ? {} : { crl }) };
    try {
      createSecureContext(context);
    } catch (cause) {
      throw new MooringError('CONFIG_INVALID', 'the certificate or its key cannot be used', { cause });
    }
    if (crl !== undefined) this.#revoked = revokedIn(crl, crlFile);
    return context;
  }
}

function revokedIn(crl: Buffer, path: string | undefined): ReadonlySet<string> {
  try {
    return revokedSerialsIn(crl.toString('latin1'));
  } catch (cause) {
    throw new MooringError('CONFIG_INVALID', 'the revocation list cannot be used', { cause, context: { path } });
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MooringError('CONFIG_UNREADABLE', 'a certificate or key cannot be read', { cause, context: { path } });
  }
}
