import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One operation, as WebHDFS names it. `WRITE` and `READ` are the second steps of CREATE and OPEN. */
export interface HdfsOperation {
  readonly op: string;
  readonly path: string;
  /** Of a rename. */
  readonly to: string;
}

/** The connection breaks before anything is done, or after it, or in the middle of an upload; or it is refused. */
export type HdfsFault = 'before' | 'after' | 'torn' | { readonly status: number; readonly exception: string };

/**
 * Plays NameNode and DataNode in one, as the real ones were seen to answer: for tests of what goes wrong between them and
 * the store, which real ones cannot be made to do.
 */
export class HdfsStandIn {
  /** What is to go wrong now. */
  fault: (operation: HdfsOperation) => HdfsFault | undefined = () => undefined;
  /** Waited for before an operation is done. */
  hold: (operation: HdfsOperation) => Promise<void> | undefined = () => undefined;
  /** Path → content; undefined for a folder. */
  readonly nodes = new Map<string, { readonly content: Buffer | undefined; readonly modifiedMs: number }>();
  /** Of its clock. */
  nowMs = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<HdfsStandIn> {
    const server = createServer();
    const standIn = new HdfsStandIn(server);
    server.on('request', (request, response) => void standIn.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Files below a folder, with their content. */
  files(folder: string): [path: string, content: Buffer][] {
    return [...this.nodes]
      .filter(([path, { content }]) => content !== undefined && path.startsWith(`${folder}/`))
      .map(([path, { content }]): [string, Buffer] => [path, content as Buffer])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const isData = url.pathname.startsWith('/data');
    const op = url.searchParams.get('op') ?? '';
    const path = decodeURIComponent(url.pathname.replace(/^(\/data|\/webhdfs\/v1)/, ''));
    const operation: HdfsOperation = { op, path, to: url.searchParams.get('destination') ?? '' };
    // Where nobody asked for it, as a DataNode does.
    if (isData && op === 'WRITE') response.writeContinue();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    await this.hold(operation);
    const fault = this.fault(operation);
    if (fault === 'before') return void request.socket.destroy();
    if (fault === 'torn' && op === 'WRITE') this.#make(path, body.subarray(0, body.length >>> 1));
    if (fault === 'torn') return void request.socket.destroy();
    const { status, answer = {} } =
      typeof fault === 'object' ? remote(fault.status, fault.exception) : this.#do(operation, body);
    if (fault === 'after') return void request.socket.destroy();
    response.writeHead(status).end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
  }

  #do({ op, path, to }: HdfsOperation, body: Buffer): { readonly status: number; readonly answer?: unknown } {
    const node = this.nodes.get(path);
    const isLocated = op === 'CREATE' || (op === 'OPEN' && node !== undefined);
    if (isLocated) {
      const second = op === 'CREATE' ? 'WRITE' : 'READ';
      const escaped = path.split('/').map(encodeURIComponent).join('/');
      return { status: 200, answer: { Location: `${this.url}/data${escaped}?op=${second}` } };
    }
    if (op === 'WRITE') {
      this.#make(path, body);
      return { status: 201 };
    }
    if (op === 'MKDIRS') {
      if (node === undefined) this.#make(path, undefined);
      return { status: 200, answer: { boolean: true } };
    }
    if (op === 'DELETE') {
      for (const found of this.#at(path)) this.nodes.delete(found);
      return { status: 200, answer: { boolean: node !== undefined } };
    }
    if (node === undefined) return remote(404, 'FileNotFoundException');
    if (op === 'READ') return { status: 200, answer: node.content };
    if (op === 'RENAME') return this.#rename(path, to);
    if (op === 'GETFILESTATUS') return { status: 200, answer: { FileStatus: this.#statusOf(path, '') } };
    const children = [...this.nodes.keys()].filter((found) => above(found) === path);
    const statuses = children.map((child) => this.#statusOf(child, child.slice(path.length + 1)));
    return { status: 200, answer: { FileStatuses: { FileStatus: statuses } } };
  }

  #rename(from: string, to: string): { readonly status: number; readonly answer?: unknown } {
    if (this.nodes.has(to)) return remote(403, 'FileAlreadyExistsException');
    if (!this.nodes.has(above(to))) return remote(404, 'FileNotFoundException');
    for (const found of this.#at(from)) {
      const node = this.nodes.get(found);
      this.nodes.delete(found);
      if (node !== undefined) this.nodes.set(`${to}${found.slice(from.length)}`, node);
    }
    return { status: 200 };
  }

  /** A node and all below it. */
  #at(path: string): string[] {
    return [...this.nodes.keys()].filter((found) => found === path || found.startsWith(`${path}/`));
  }

  #make(path: string, content: Buffer | undefined): void {
    for (let folder = above(path); folder !== ''; folder = above(folder))
      if (!this.nodes.has(folder)) this.nodes.set(folder, { content: undefined, modifiedMs: this.nowMs });
    this.nodes.set(path, { content, modifiedMs: this.nowMs });
  }

  #statusOf(path: string, pathSuffix: string): unknown {
    const node = this.nodes.get(path);
    const type = node?.content === undefined ? 'DIRECTORY' : 'FILE';
    return { pathSuffix, type, length: node?.content?.length ?? 0, modificationTime: node?.modifiedMs };
  }
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function remote(status: number, exception: string): { readonly status: number; readonly answer: unknown } {
  return { status, answer: { RemoteException: { exception, message: exception } } };
}
