import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { authorizationOf, contentOf, type HttpLogin } from '../http/credentials.ts';
import { type HttpAnswer, type HttpRequest, HttpStore } from '../http/http-store.ts';
import { askDataNode, type DataNodeAnswer, type DataNodeRequest } from './data-node.ts';

export interface WebHdfsOptions {
  /** Of the sink, for errors. */
  readonly name: string;
  /** Of the NameNode, or of a gateway before it. */
  readonly url: string;
  /** Who to be, where nobody is asked for a password. */
  readonly user?: string;
  readonly login?: HttpLogin;
  readonly caFile?: string;
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

export interface HdfsStatus {
  readonly name: string;
  readonly isFolder: boolean;
  readonly bytes: number;
  /** By the NameNode's clock, UTC milliseconds. */
  readonly modifiedMs: number;
}

/** What became of a rename: nothing is ever replaced. `absent`: the source, or the folder that it was to go to. */
export type RenameOutcome = 'done' | 'taken' | 'absent';

const DEADLINE_MS = 10_000;
const REASON_CHARACTERS = 200;

/** HDFS over WebHDFS (Hadoop 3). Paths are absolute. Throws `SINK_FAILED`, and while it opens `SINK_UNFIT` where it is refused for good. */
export class WebHdfs {
  readonly #options: WebHdfsOptions;
  readonly #http: HttpStore;
  readonly #closing = new AbortController();
  #ca: Buffer | undefined;

  /** What was taken before may be taken again, whatever is answered meanwhile: set while a store opens only. */
  isOpening = false;

  constructor(options: WebHdfsOptions) {
    this.#options = options;
    this.#http = new HttpStore(options);
  }

  get origin(): string {
    return this.#http.origin;
  }

  /** Undefined where nothing is there. */
  async status(path: string, signal?: AbortSignal): Promise<HdfsStatus | undefined> {
    const answer = await this.#ask('GET', path, { op: 'GETFILESTATUS' }, signal);
    if (answer === undefined) return undefined;
    return statusOf((answer as { FileStatus: FileStatusJson }).FileStatus);
  }

  /** What is in a folder, by name; undefined where it is not there. */
  async list(path: string): Promise<readonly HdfsStatus[] | undefined> {
    const answer = await this.#ask('GET', path, { op: 'LISTSTATUS' });
    if (answer === undefined) return undefined;
    const { FileStatuses } = answer as { FileStatuses: { FileStatus: FileStatusJson[] } };
    return FileStatuses.FileStatus.map(statusOf).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A file's content; undefined where it is not there. */
  async read(path: string): Promise<Buffer | undefined> {
    const answer = await this.#ask('GET', path, { op: 'OPEN', noredirect: 'true' });
    if (answer === undefined) return undefined;
    const { status, body } = await this.#atDataNode({ method: 'GET', url: locationOf(answer) });
    if (status === 404) return undefined;
    if (status !== 200) throw this.#failed({ status, body: body.toString('utf8') }, path, 'OPEN');
    return body;
  }

  /** Writes a file whole, and says what is there then; folders above it are made. For a path that nobody else writes to. */
  async put(path: string, content: Uint8Array): Promise<HdfsStatus> {
    const answer = await this.#ask('PUT', path, { op: 'CREATE', overwrite: 'true', noredirect: 'true' });
    if (answer === undefined) throw this.#failed({ status: 404, body: 'not found' }, path, 'CREATE');
    const { status, body } = await this.#atDataNode({ method: 'PUT', url: locationOf(answer), body: content });
    if (status !== 201) throw this.#failed({ status, body: body.toString('utf8') }, path, 'CREATE');
    // An upload that breaks off leaves a file that looks finished.
    const found = await this.status(path);
    if (found?.bytes === content.length) return found;
    throw this.#failed({ status, body: `${found?.bytes} bytes of ${content.length} are there` }, path, 'CREATE');
  }

  async rename(from: string, to: string): Promise<RenameOutcome> {
    const query = { op: 'RENAME', destination: to, renameoptions: 'NONE' };
    const answer = await this.#http.ask({ method: 'PUT', path: pathOf(from), query: this.#queryOf(query) });
    if (answer.status === 200) return 'done';
    const exception = exceptionOf(answer);
    if (exception === 'FileAlreadyExistsException') return 'taken';
    if (exception === 'FileNotFoundException') return 'absent';
    throw this.#failed(answer, from, 'RENAME');
  }

  async makeFolder(path: string): Promise<void> {
    await this.#ask('PUT', path, { op: 'MKDIRS' });
  }

  /** With all that is in it; nothing happens where nothing is there. */
  async delete(path: string): Promise<void> {
    await this.#ask('DELETE', path, { op: 'DELETE', recursive: 'true' });
  }

  /** What is under way rejects. For good. */
  async close(): Promise<void> {
    this.#closing.abort(this.#lost(new Error('the connection was let go')));
    await this.#http.close();
  }

  /** The answer's JSON; undefined where nothing is there. */
  async #ask(
    method: HttpRequest['method'],
    path: string,
    query: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const asked = {
      method,
      path: pathOf(path),
      query: this.#queryOf(query),
      ...(signal === undefined ? {} : { signal }),
    };
    const answer = await this.#http.ask(asked);
    if (answer.status === 200) return parsed(answer);
    if (exceptionOf(answer) === 'FileNotFoundException') return undefined;
    throw this.#failed(answer, path, query.op ?? '');
  }

  async #atDataNode(asked: Omit<DataNodeRequest, 'signal' | 'authorization'>): Promise<DataNodeAnswer> {
    const { clock, deadlineMs = DEADLINE_MS, caFile, login } = this.#options;
    if (caFile !== undefined) this.#ca ??= await contentOf(caFile);
    // A gateway sends back to itself. A DataNode has no use for the password.
    const isGateway = login !== undefined && new URL(asked.url).origin === this.origin;
    const authorization = isGateway ? { authorization: await authorizationOf(login) } : {};
    try {
      const ca = this.#ca === undefined ? {} : { ca: this.#ca };
      const signal = this.#closing.signal;
      return await askDataNode({ ...asked, ...authorization, signal }, { clock, deadlineMs, ...ca });
    } catch (error) {
      throw error instanceof MooringError ? error : this.#lost(error as Error, new URL(asked.url).origin);
    }
  }

  #queryOf(query: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const { user } = this.#options;
    return user === undefined ? query : { ...query, 'user.name': user };
  }

  #lost(cause: Error, dataNode?: string): MooringError {
    return new MooringError('SINK_FAILED', 'HDFS did not answer as it should', {
      cause,
      context: { store: this.#options.name, url: dataNode ?? this.origin, reason: cause.message },
      hint: 'See that the NameNode is up, and that the DataNodes it names can be reached from here by the names it gives them.',
    });
  }

  #failed(answer: HttpAnswer, path: string, operation: string): MooringError {
    const { name } = this.#options;
    const exception = exceptionOf(answer);
    const reason = `${answer.status} ${answer.body.replaceAll(/\s+/g, ' ').trim().slice(0, REASON_CHARACTERS)}`;
    const context = { store: name, url: this.origin, path, operation, reason };
    const code = this.isOpening ? 'SINK_UNFIT' : 'SINK_FAILED';
    if (answer.status === 401 || exception === 'AccessControlException' || exception === 'SecurityException')
      return new MooringError(code, 'HDFS refuses the user, or what the user is to do', {
        context,
        hint: 'Check user and password, and that the user may write to the folder: hdfs dfs -chown USER PATH.',
      });
    if (answer.status === 404)
      return new MooringError(code, 'what answers there is no WebHDFS', {
        context,
        hint: 'See that the URL is that of the NameNode (http://namenode:9870), and that dfs.webhdfs.enabled is not false.',
      });
    return new MooringError('SINK_FAILED', 'HDFS did not do what it was asked for', {
      context,
      hint: 'See what the log of the NameNode says; after its start it is in safe mode for a while.',
    });
  }
}

interface FileStatusJson {
  readonly pathSuffix: string;
  readonly type: string;
  readonly length: number;
  readonly modificationTime: number;
}

function statusOf({ pathSuffix, type, length, modificationTime }: FileStatusJson): HdfsStatus {
  return { name: pathSuffix, isFolder: type === 'DIRECTORY', bytes: length, modifiedMs: modificationTime };
}

function pathOf(path: string): string {
  return `/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}`;
}

function locationOf(answer: unknown): string {
  const { Location } = answer as { Location?: string };
  if (Location !== undefined) return Location;
  throw new MooringError('SINK_FAILED', 'a NameNode named no DataNode', { hint: 'Hadoop 3 or later is needed.' });
}

function exceptionOf({ body }: HttpAnswer): string | undefined {
  try {
    return (JSON.parse(body) as { RemoteException?: { exception?: string } }).RemoteException?.exception;
  } catch {
    // Not every answer is WebHDFS's own.
    return undefined;
  }
}

function parsed({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new MooringError('SINK_FAILED', 'HDFS answered with something that is no JSON', { cause });
  }
}
