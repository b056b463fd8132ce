import { MooringError } from '../../../runtime/errors.ts';
import { type HttpAnswer, type HttpStore, isLoginRefused } from '../http/http-store.ts';
import { familyOf, type HbaseLayout, markOf } from './row.ts';

export interface HbaseTableOptions {
  readonly name: string;
  readonly http: HttpStore;
  /** `mooring`, or with its namespace `plant:mooring`. */
  readonly table: string;
  readonly layout: HbaseLayout;
}

/** A table's attribute that says how its rows are called. */
export const MARK = 'MOORING_ROWS';
const REASON_CHARACTERS = 200;
const NOT_MODIFIED = 304;
/** What the REST server's own client says of a row before it is sent. Another 400 may be anybody's. */
const ABOUT_A_ROW = /^java\.lang\.IllegalArgumentException: (.+)$/m;

/** A table of HBase, over its REST server. */
export class HbaseTable {
  readonly #options: HbaseTableOptions;

  constructor(options: HbaseTableOptions) {
    this.#options = options;
  }

  /** Makes the table where there is none, and else looks whether it is one of ours. Throws `SINK_UNFIT`, `SINK_FAILED`. */
  async prepare(signal: AbortSignal): Promise<void> {
    const answer = await this.#askSchema(signal);
    if (answer.status === 404) return await this.#create(signal);
    this.#check(answer);
  }

  /**
   * Puts the rows of a `CellSet`. Resolves with what HBase says where one of them, and it does not say which, is none that it
   * takes: nobody knows of the others then. Throws `SINK_FAILED` unless all of them are in HBase's log.
   */
  async put(cellSet: string): Promise<string | undefined> {
    const answer = await this.#options.http.ask({
      method: 'PUT',
      // The name of a row has to stand there; those of the body count.
      path: this.#path('rows'),
      contentType: 'application/json',
      body: cellSet,
    });
    if (answer.status === 200) return undefined;
    const [, reason] = answer.status === 400 ? (ABOUT_A_ROW.exec(answer.body) ?? []) : [];
    if (reason === undefined) throw this.#failed(answer, 'HBase does not take rows');
    return reason;
  }

  #askSchema(signal: AbortSignal): Promise<HttpAnswer> {
    return this.#options.http.ask({ method: 'GET', path: this.#path('schema'), signal });
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { http, table, layout } = this.#options;
    const family = { name: familyOf(layout), VERSIONS: '1', DATA_BLOCK_ENCODING: 'FAST_DIFF' };
    const answer = await http.ask({
      method: 'PUT',
      path: this.#path('schema'),
      contentType: 'application/json',
      body: JSON.stringify({ name: table, [MARK]: markOf(layout), ColumnSchema: [family] }),
      signal,
    });
    if (answer.status === 201 || answer.status === 200) return;
    // Another copy was first.
    if (answer.status === NOT_MODIFIED) return this.#check(await this.#askSchema(signal));
    if (isLoginRefused(answer)) throw this.#unfit(`HBase refuses the user: ${reasonOf(answer)}`);
    if (answer.status < 500) throw this.#unfit(`what answers there is no REST server of HBase: ${reasonOf(answer)}`);
    throw this.#failed(answer, 'HBase does not make a table');
  }

  #check(answer: HttpAnswer): void {
    if (isLoginRefused(answer)) throw this.#refused(answer);
    if (answer.status !== 200) throw this.#failed(answer, 'HBase does not say what its table is like');
    const schema = schemaOf(answer);
    const { layout } = this.#options;
    const name = familyOf(layout);
    const family = schema.ColumnSchema?.find((found) => found.name === name);
    if (family === undefined) throw this.#unfit(`the table has no family ${name}`);
    if (family.VERSIONS !== '1')
      throw this.#unfit(`its family ${name} keeps ${family.VERSIONS} versions of a cell, not one`);
    const mark = schema[MARK];
    if (mark !== markOf(layout))
      throw this.#unfit(
        mark === undefined
          ? `the table does not say how its rows are called`
          : `its rows are called as ${String(mark)} says`,
      );
  }

  #path(below: string): string {
    return `/${encodeURIComponent(this.#options.table)}/${below}`;
  }

  #unfit(reason: string): MooringError {
    const { name, http, table, layout } = this.#options;
    const fit = `create '${table}', {NAME => '${familyOf(layout)}', VERSIONS => 1}, METADATA => {'${MARK}' => '${markOf(layout)}'}`;
    return new MooringError('SINK_UNFIT', 'the table of HBase is not one that Mooring can write to', {
      context: { store: name, url: http.origin, table, reason },
      hint: `Name another table, which Mooring makes, or make one in HBase's shell: ${fit}`,
    });
  }

  #failed(answer: HttpAnswer, what: string): MooringError {
    const { name, http, table } = this.#options;
    // Of what was taken before: a login that is renewed, or a proxy that is mended, and it is taken again.
    return new MooringError('SINK_FAILED', what, {
      context: { store: name, url: http.origin, table, reason: reasonOf(answer) },
      hint: isLoginRefused(answer)
        ? 'Check user and password, and that the user may still write to the table; the file is read again.'
        : answer.status === 404
          ? 'See whether the table was dropped or disabled, or its family: it is made at the start only.'
          : 'See what the logs of the REST server and of HBase say.',
    });
  }

  #refused(answer: HttpAnswer): MooringError {
    const { name, http, table } = this.#options;
    return new MooringError('SINK_UNFIT', 'HBase refuses the user, or what the user is to do', {
      context: { store: name, url: http.origin, table, reason: reasonOf(answer) },
      hint: 'Check user and password, and that the user may create, read and write the table.',
    });
  }
}

interface TableSchema {
  readonly ColumnSchema?: readonly { readonly name: string; readonly VERSIONS?: string }[];
  readonly [attribute: string]: unknown;
}

function schemaOf({ body }: HttpAnswer): TableSchema {
  try {
    return JSON.parse(body) as TableSchema;
  } catch (cause) {
    throw new MooringError('SINK_FAILED', 'HBase answered with something that is no JSON', { cause });
  }
}

function reasonOf({ status, body }: HttpAnswer): string {
  const text = body.replaceAll(/\s+/g, ' ').trim();
  return `${status} ${text.slice(0, REASON_CHARACTERS)}`.trim();
}
