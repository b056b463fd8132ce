import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';

/** Answers one verb. What it returns is sent as JSON; what it throws as `{error}`. */
export type ControlVerb = (request: Readonly<Record<string, unknown>>) => Promise<object> | object;

/** Where the gateway listens that has this store open. */
export function controlPathOf(storePath: string): string {
  return `${storePath}.sock`;
}

const REQUEST_CHARS_MAX = 4096;
const CONNECTIONS_MAX = 16;
const IDLE_MS = 30_000;

/**
 * The running gateway's ear on this machine: a Unix socket beside the store, mode 0660. One JSON object a line in
 * (`{"verb": "status"}`), one a line out (`{"ok": true, …}` or `{"ok": false, "error": {code, message, hint}}`).
 */
export class ControlSocket {
  readonly #path: string;
  readonly #verbs: Readonly<Record<string, ControlVerb>>;
  readonly #log: Log;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** The caller holds the store's lock, so a socket file that is already there is a dead one. */
  constructor(path: string, verbs: Readonly<Record<string, ControlVerb>>, log: Log) {
    this.#path = path;
    this.#verbs = verbs;
    this.#log = log;
  }

  async open(): Promise<void> {
    rmSync(this.#path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(toMooringError(cause, 'SOCKET_FAILED', 'the control socket cannot be opened')),
      );
      server.listen(this.#path, () => resolve());
    });
    server.on('error', (err) => this.#log.warn({ err }, 'the control socket failed'));
    chmodSync(this.#path, 0o660);
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setEncoding('utf8');
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    // However the conversation ends, nobody is the worse for it; a client that went away is no news.
    pipeline(socket, (chunks: AsyncIterable<string>) => this.#answers(chunks), socket).catch(() => socket.destroy());
  }

  /** One answer at a time: the next request is read when the client has taken the last answer. */
  async *#answers(chunks: AsyncIterable<string>): AsyncGenerator<string> {
    let unfinished = '';
    for await (const chunk of chunks) {
      const lines = (unfinished + chunk).split('\n');
      if (lines.some((line) => line.length > REQUEST_CHARS_MAX)) return;
      unfinished = lines.pop() as string;
      for (const line of lines) yield `${JSON.stringify(await this.#answer(line))}\n`;
    }
  }

  async #answer(line: string): Promise<object> {
    try {
      const request = JSON.parse(line) as Record<string, unknown>;
      const name = typeof request === 'object' && request !== null ? request.verb : undefined;
      const verb = typeof name === 'string' && Object.hasOwn(this.#verbs, name) ? this.#verbs[name] : undefined;
      if (verb === undefined) {
        const known = Object.keys(this.#verbs).join(', ');
        return { ok: false, error: { code: 'UNKNOWN_VERB', message: 'no such verb', hint: `There are: ${known}.` } };
      }
      return { ok: true, ...(await verb(request)) };
    } catch (cause) {
      const error = toMooringError(cause, 'SOCKET_FAILED', 'the request could not be answered');
      return { ok: false, error: { code: error.code, message: error.message, hint: error.hint ?? '' } };
    }
  }
}
