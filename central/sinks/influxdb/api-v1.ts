import { MooringError } from '../../../runtime/errors.ts';
import { type HttpAnswer, type HttpStore, isLoginRefused } from '../http/http-store.ts';
import { type InfluxdbApi, OTHER_MEASUREMENTS, reasonOf } from './api.ts';

export interface ApiV1Options {
  readonly name: string;
  readonly http: HttpStore;
  /** Made where it is not there. */
  readonly database: string;
  readonly measurement: string;
}

/** A series of an answer to InfluxQL. */
export interface InfluxqlSeries {
  readonly name?: string;
  readonly columns: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
}

/** Fields that every record has, by their type. Whoever has others under these names has made something else. */
const FIELDS: Readonly<Record<string, string>> = {
  id: 'string',
  run: 'string',
  sequence: 'integer',
  received_at: 'integer',
  clock: 'string',
  info: 'string',
};
const NOT_FOUND = /database not found/i;

/** InfluxDB 1: `/write` and `/query`, with a user and a password where it asks for them. */
export class ApiV1 implements InfluxdbApi {
  readonly #options: ApiV1Options;

  constructor(options: ApiV1Options) {
    this.#options = options;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { name, database, measurement } = this.#options;
    const databases = await this.#query('SHOW DATABASES', signal);
    if (!databases.some(({ values = [] }) => values.some(([found]) => found === database)))
      await this.#query(`CREATE DATABASE ${quoted(database)}`, signal);
    const measurements = [measurement, ...OTHER_MEASUREMENTS].map(quoted).join(',');
    for (const series of await this.#query(`SHOW FIELD KEYS FROM ${measurements}`, signal)) {
      const { name: found = '', values = [] } = series;
      const wrong = values.filter(([key, type]) => (FIELDS[String(key)] ?? type) !== type);
      if (wrong.length === 0 && values.some(([key]) => key === 'id')) continue;
      const what = wrong.map(([key, type]) => `its ${key} is of the type ${type}`).join(', ');
      throw new MooringError('SINK_UNFIT', 'a measurement of the database was made by something else', {
        context: { store: name, database, measurement: found, reason: what === '' ? 'no field is called id' : what },
        hint: `Take another database, or drop ${quoted(found)}. A measurement of Mooring's has the text field id.`,
      });
    }
  }

  async send(lines: string): Promise<HttpAnswer> {
    const { http, database } = this.#options;
    const query = { db: database, precision: 'ns' };
    return await http.ask({
      method: 'POST',
      path: '/write',
      query,
      contentType: 'text/plain; charset=utf-8',
      body: lines,
    });
  }

  async #query(statement: string, signal: AbortSignal): Promise<readonly InfluxqlSeries[]> {
    const { http, name, database } = this.#options;
    const answer = await http.ask({
      method: 'POST',
      path: '/query',
      query: { db: database },
      contentType: 'application/x-www-form-urlencoded',
      body: new URLSearchParams({ q: statement }).toString(),
      signal,
    });
    if (answer.status === 200) {
      const { results = [] } = parsed(answer.body);
      const error = results.find((result) => result.error !== undefined)?.error;
      if (error === undefined) return results.flatMap(({ series = [] }) => series);
      if (/not authorized|requires admin/i.test(error)) throw this.#refused(error, statement);
      throw this.#failed(error, statement);
    }
    if (isLoginRefused(answer)) throw this.#refused(reasonOf(answer), statement);
    if (answer.status === 404 && !NOT_FOUND.test(answer.body))
      throw new MooringError('SINK_UNFIT', 'the server does not speak as InfluxDB 1 does', {
        context: { store: name, url: http.origin, reason: reasonOf(answer) },
        hint: 'See that the URL is that of InfluxDB, and choose `api: v2` for InfluxDB 2.',
      });
    throw this.#failed(reasonOf(answer), statement);
  }

  #refused(reason: string, statement: string): MooringError {
    const { name, database } = this.#options;
    return new MooringError('SINK_UNFIT', 'InfluxDB refuses the user, or what the user is to do', {
      context: { store: name, database, reason, statement },
      hint: `Check user and password, and as an administrator: CREATE DATABASE ${quoted(database)} and GRANT ALL ON ${quoted(database)} TO the user.`,
    });
  }

  #failed(reason: string, statement: string): MooringError {
    const { name, http } = this.#options;
    return new MooringError('SINK_FAILED', 'InfluxDB did not carry out a statement', {
      context: { store: name, url: http.origin, reason, statement },
      hint: 'See what the log of InfluxDB says.',
    });
  }
}

/** A name in InfluxQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll(/["\\]/g, '\\$&')}"`;
}

function parsed(body: string): { results?: { series?: InfluxqlSeries[]; error?: string }[] } {
  try {
    return JSON.parse(body) as ReturnType<typeof parsed>;
  } catch (cause) {
    throw new MooringError('SINK_FAILED', 'InfluxDB answered a statement with something that is no JSON', { cause });
  }
}
