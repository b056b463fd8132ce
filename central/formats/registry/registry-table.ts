import { BOUNDS, type JsonValue, type Location } from '../../../protocol/record.ts';
import type { Problem } from '../../../runtime/config/problem.ts';
import { didYouMean } from '../../../runtime/config/suggest.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { decimalOf } from '../decimal.ts';
import { CsvError, type CsvRow, csvRows } from './csv.ts';
import { JsonEntriesError, jsonEntries } from './json-entries.ts';

/** Which columns of a registry mean what; `registries.<name>` of the configuration. */
export interface RegistryColumns {
  /** Holds the device's own name for itself, as it stands in its messages; upper and lower case are the same. */
  readonly key: string;
  /** Become `info.tags`, under their own names in snake_case. */
  readonly tags: readonly string[];
  /** Becomes the tag `site`. */
  readonly site?: string | undefined;
  /** Degrees and metres; left out: `lat` and `lon`, and `alt`, where the file has them. */
  readonly location?: { readonly lat: string; readonly lon: string; readonly alt?: string | undefined } | undefined;
}

/** What a registry knows of one device. */
export interface RegistryEntry {
  /** By name, never empty text. */
  readonly tags: Readonly<Record<string, string>>;
  readonly location?: Location;
}

export type RegistryEntries = ReadonlyMap<string, RegistryEntry>;

/** The name that a device is looked up by: EUIs are written in upper and in lower case. */
export function registryKeyOf(sourceId: string): string {
  return sourceId.trim().toLowerCase();
}

/** One device as it stands in the file. */
export interface RawEntry {
  /** Counted from 1; 0 where it is not known. */
  readonly line: number;
  readonly cells: Readonly<Record<string, JsonValue>>;
}

interface RawTable {
  /** The columns that any entry has. */
  readonly columns: readonly string[];
  readonly columnsLine: number;
  readonly entries: readonly RawEntry[];
}

/** Beyond this the rest of the problems is counted, not told. */
const PROBLEMS_MAX = 20;
const DEFAULT_LOCATION = { lat: 'lat', lon: 'lon', alt: 'alt' } as const;

/**
 * The devices of a registry by `registryKeyOf` their key. `file` ends in `.json`: a list of objects, or an object of them by
 * key; anything else: CSV (RFC 4180) whose first line names the columns. Throws `CONFIG_INVALID` with every problem and
 * its line.
 */
export function registryEntriesOf(file: string, text: string, columns: RegistryColumns): RegistryEntries {
  const problems: Problem[] = [];
  const report = (line: number, key: string, message: string, hint: string = ''): void => {
    problems.push({ file, line, column: line === 0 ? 0 : 1, key, message, hint });
  };
  const table = file.toLowerCase().endsWith('.json') ? jsonTable(text, columns.key, report) : csvTable(text, report);
  const entries = table === undefined ? new Map() : new Entries(table, columns, report).all();
  if (problems.length > 0) throw registryInvalid(file, problems);
  return entries;
}

type Report = (line: number, key: string, message: string, hint?: string) => void;

function registryInvalid(file: string, problems: readonly Problem[]): MooringError {
  const count = problems.length === 1 ? 'one error' : `${problems.length} errors`;
  const first = problems[0] as Problem;
  const where = first.line === 0 ? '' : `line ${first.line}: `;
  return new MooringError('CONFIG_INVALID', `the registry has ${count}`, {
    context: {
      file,
      problems: problems.slice(0, PROBLEMS_MAX),
      count: problems.length,
      first: `${where}${first.message}`,
    },
    hint: first.hint === '' ? 'Correct the file; it is read again when it changes.' : first.hint,
  });
}

function csvTable(text: string, report: Report): RawTable | undefined {
  let rows: CsvRow[];
  try {
    rows = csvRows(text);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    report(error.line, '(csv)', error.message, 'Put such a field in quotes, and double the quotes in it.');
    return undefined;
  }
  const [header, ...others] = rows;
  if (header === undefined) {
    report(0, '(file)', 'the file is empty', 'Its first line names the columns.');
    return undefined;
  }
  const columns = header.cells.map((cell) => cell.trim());
  for (const [index, column] of columns.entries()) {
    if (columns.indexOf(column) < index) report(header.line, column, 'stands twice among the columns', 'Rename one.');
  }
  const entries: RawEntry[] = [];
  for (const { line, cells } of others) {
    if (cells.length === columns.length) {
      entries.push({ line, cells: Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])) });
    } else {
      const hint = 'A field with a comma in it stands in quotes.';
      report(line, '(row)', `has ${cells.length} of ${columns.length} fields`, hint);
    }
  }
  return { columns, columnsLine: header.line, entries };
}

function jsonTable(text: string, key: string, report: Report): RawTable | undefined {
  try {
    const entries = jsonEntries(text, key);
    const columns = [...new Set(entries.flatMap(({ cells }) => Object.keys(cells)))];
    return { columns, columnsLine: 0, entries };
  } catch (error) {
    if (!(error instanceof JsonEntriesError)) throw error;
    report(error.line, '(json)', error.message, error.hint);
    return undefined;
  }
}

class Entries {
  readonly #table: RawTable;
  readonly #columns: RegistryColumns;
  readonly #report: Report;

  constructor(table: RawTable, columns: RegistryColumns, report: Report) {
    this.#table = table;
    this.#columns = columns;
    this.#report = report;
  }

  all(): RegistryEntries {
    const entries = new Map<string, RegistryEntry>();
    const lines = new Map<string, number>();
    const location = this.#locationColumns();
    const tags = this.#tagColumns();
    if (!this.#hasColumns([this.#columns.key, ...tags.values(), ...Object.values(location ?? {})])) return entries;
    for (const raw of this.#table.entries) {
      const name = textOf(raw.cells[this.#columns.key]);
      if (name === undefined || name === '') {
        this.#report(raw.line, this.#columns.key, 'is empty', 'Each line names its device.');
        continue;
      }
      const key = registryKeyOf(name);
      const first = lines.get(key);
      if (first !== undefined) {
        const where = first === 0 ? '' : `; the first is in line ${first}`;
        this.#report(raw.line, this.#columns.key, `\`${name}\` stands twice${where}`, 'Remove one.');
        continue;
      }
      lines.set(key, raw.line);
      const place = location === undefined ? undefined : this.#locationOf(raw, location);
      entries.set(key, { tags: this.#tagsOf(raw, tags), ...(place === undefined ? {} : { location: place }) });
    }
    return entries;
  }

  /** Reports a column that the configuration names and the file has not. */
  #hasColumns(wanted: readonly (string | undefined)[]): boolean {
    const missing = new Set(wanted.filter((column) => column !== undefined && !this.#table.columns.includes(column)));
    for (const column of missing as Set<string>) {
      const known = `The file has: ${this.#table.columns.join(', ')}.`;
      const hint = [didYouMean(column, this.#table.columns), known].filter((text) => text !== '').join(' ');
      this.#report(this.#table.columnsLine, column, 'there is no such column', hint);
    }
    return missing.size === 0;
  }

  /** Names of tags with the columns that they come from. */
  #tagColumns(): ReadonlyMap<string, string> {
    const tags = new Map<string, string>();
    const add = (name: string, column: string): void => {
      const other = tags.get(name);
      if (other === undefined) tags.set(name, column);
      else if (other !== column) {
        const message = `becomes the tag \`${name}\`, as \`${other}\` does`;
        this.#report(this.#table.columnsLine, column, message, 'Rename one of the columns.');
      }
    };
    for (const column of this.#columns.tags) add(tagNameOf(column), column);
    if (this.#columns.site !== undefined) add('site', this.#columns.site);
    return tags;
  }

  #locationColumns(): RegistryColumns['location'] {
    if (this.#columns.location !== undefined) return this.#columns.location;
    const { lat, lon, alt } = DEFAULT_LOCATION;
    const { columns } = this.#table;
    if (!columns.includes(lat) || !columns.includes(lon)) return undefined;
    return columns.includes(alt) ? DEFAULT_LOCATION : { lat, lon };
  }

  #tagsOf({ line, cells }: RawEntry, columns: ReadonlyMap<string, string>): Record<string, string> {
    const tags: Record<string, string> = {};
    for (const [name, column] of columns) {
      const text = textOf(cells[column]);
      if (text === undefined) {
        if (cells[column] !== null && cells[column] !== undefined) this.#report(line, column, 'is no text');
      } else if (Buffer.byteLength(text) > BOUNDS.textBytes) {
        this.#report(
          line,
          column,
          `is longer than ${BOUNDS.textBytes} bytes`,
          'Shorten it: it goes into every record.',
        );
      } else if (text !== '') {
        tags[name] = text;
      }
    }
    return tags;
  }

  #locationOf({ line, cells }: RawEntry, columns: NonNullable<RegistryColumns['location']>): Location | undefined {
    const degrees = (column: string, bound: number): number | undefined => {
      const value = numberOf(cells[column]);
      if (value !== undefined && Math.abs(value) <= bound) return Math.round(value * 1e7) / 1e7 + 0;
      if (!isEmpty(cells[column])) this.#report(line, column, `is no number from -${bound} to ${bound}`, DEGREES);
      return undefined;
    };
    const lat = degrees(columns.lat, 90);
    const lon = degrees(columns.lon, 180);
    const alt = columns.alt === undefined ? undefined : numberOf(cells[columns.alt]);
    if (columns.alt !== undefined && alt === undefined && !isEmpty(cells[columns.alt])) {
      this.#report(line, columns.alt, 'is no number', 'Write metres.');
    }
    if (isEmpty(cells[columns.lat]) !== isEmpty(cells[columns.lon])) {
      this.#report(line, columns.lat, `stands without \`${columns.lon}\`, or the other way round`, 'Write both.');
    }
    if (lat === undefined || lon === undefined) return undefined;
    return { lat, lon, ...(alt === undefined ? {} : { alt }) };
  }
}

const DEGREES = 'Write degrees with a decimal point.';

function tagNameOf(column: string): string {
  return column
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_|_$/g, '');
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function numberOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : undefined;
  const number = typeof value === 'string' ? decimalOf(value.trim()) : undefined;
  return Number.isFinite(number) ? number : undefined;
}

function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
