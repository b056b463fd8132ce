import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked of it. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: string;
}

export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly isPage?: boolean;
}

/**
 * Plays what of InfluxDB 2's interface the store uses, by its reference (Write data, List buckets). No InfluxDB 2 is to be
 * had from a package registry; nothing that only a real one does is tested with it.
 */
export class InfluxV2StandIn {
  readonly asked: Asked[] = [];
  /** Answers of `/api/v2/write` from now on: status and message, which a proxy says as a page; undefined says 204. */
  refuses: (asked: Asked) => Refusal | undefined = () => undefined;
  token = 'secret-token';
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<InfluxV2StandIn> {
    const server = createServer();
    const standIn = new InfluxV2StandIn(server);
    server.on('request', (request, response) => void standIn.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/influx/`;
  }

  /** Lines that were taken. */
  get lines(): string[] {
    return this.asked.filter((asked) => this.refuses(asked) === undefined).flatMap(({ body }) => linesOf(body));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization = '' } = request.headers;
    const asked = {
      ...{ path: url.pathname, query: url.searchParams, authorization },
      body: Buffer.concat(chunks).toString(),
    };
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body === '' ? '' : JSON.stringify(body));
    };
    if (authorization !== `Token ${this.token}`)
      return say(401, { code: 'unauthorized', message: 'unauthorized access' });
    if (asked.path === '/influx/api/v2/buckets') {
      const has = asked.query.get('name') === 'home' && asked.query.get('org') === 'RomaTre';
      return say(200, { buckets: has ? [{ id: '1', name: 'home' }] : [] });
    }
    if (asked.path !== '/influx/api/v2/write') return say(404, { code: 'not found', message: 'path not found' });
    this.asked.push(asked);
    const refusal = this.refuses(asked);
    if (refusal === undefined) return say(204, '');
    if (refusal.isPage === true) {
      response.writeHead(refusal.status, { 'content-type': 'text/html' }).end(`<html>${refusal.message}</html>`);
      return;
    }
    return say(refusal.status, { code: 'invalid', message: refusal.message });
  }
}

/** Line by line, without comments; a text of a field may have line ends, too. */
export function linesOf(body: string): string[] {
  return body.split(/\n(?=[a-z_]+,gateway=)/).filter((line) => line !== '' && !line.startsWith('#'));
}
