import { basename, dirname, join } from 'node:path';
import type { Disk } from '../disk.ts';

const LINES_END = '.ndjson';
const PARQUET_END = '.parquet';
const HOUR = /(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)(?:-(\d+))?\.ndjson$/;
const DAY = /undated\/(\d{4})-(\d\d)-(\d\d)(?:-(\d+))?\.ndjson$/;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Hours whose number is remembered. */
const KNOWN_MAX = 1024;

/** `2026/01/31/22.ndjson`, 2 → `2026/01/31/22-2.ndjson`; the first one has the name of the hour. */
export function partOf(hourFile: string, number: number): string {
  return number === 1 ? hourFile : `${stemOf(hourFile)}-${number}${LINES_END}`;
}

/** `2026/01/31/22.ndjson` → `2026/01/31/22.parquet`. */
export function parquetOf(file: string): string {
  return stemOf(file) + PARQUET_END;
}

/** Which part of its hour a file is. */
export function numberOf(file: string): number {
  return Number(HOUR.exec(file)?.[5] ?? DAY.exec(file)?.[4] ?? 1);
}

/** When the hour, or the day of receipt, is over, in milliseconds since 1970; 0 where the name says neither. */
export function endMsOf(file: string): number {
  const [, year, month, day, hour] = HOUR.exec(file) ?? [];
  if (hour !== undefined) return Date.parse(`${year}-${month}-${day}T${hour}:00:00.000Z`) + HOUR_MS;
  const [, ofYear, ofMonth, ofDay] = DAY.exec(file) ?? [];
  return ofDay === undefined ? 0 : Date.parse(`${ofYear}-${ofMonth}-${ofDay}T00:00:00.000Z`) + DAY_MS;
}

/**
 * The parts of an hour: what comes after one has become Parquet, or is about to, goes to the next. A Parquet file has what
 * the NDJSON of its name has, so that of each name one is read.
 */
export class HourParts {
  readonly #root: string;
  readonly #disk: Disk;
  /** By file of an hour: the highest part that is Parquet, 0 where none is. */
  readonly #highest = new Map<string, number>();

  constructor(root: string, disk: Disk) {
    this.#root = root;
    this.#disk = disk;
  }

  /** Somebody else may have made Parquet. */
  forgetAll(): void {
    this.#highest.clear();
  }

  /** Where lines of the hour go now. */
  async currentOf(hourFile: string, isSealed: (file: string) => boolean): Promise<string> {
    const known = this.#highest.get(hourFile);
    const highest = known ?? Math.max(0, ...(await this.#partsOf(hourFile, PARQUET_END)));
    if (known === undefined) this.#remember(hourFile, highest);
    let number = highest + 1;
    while (isSealed(partOf(hourFile, number))) number += 1;
    return partOf(hourFile, number);
  }

  /** A part is Parquet by now. */
  converted(file: string): void {
    const number = numberOf(file);
    const hourFile = number === 1 ? file : `${stemOf(file).slice(0, -`-${number}`.length)}${LINES_END}`;
    this.#remember(hourFile, Math.max(number, this.#highest.get(hourFile) ?? 0));
  }

  /** The files that have an hour's rows, each row in one of them: NDJSON where it is there, else Parquet. */
  async filesOf(hourFile: string): Promise<readonly string[]> {
    const lines = new Set(await this.#partsOf(hourFile, LINES_END));
    const parquet = (await this.#partsOf(hourFile, PARQUET_END)).filter((number) => !lines.has(number));
    return [
      ...[...lines].map((number) => partOf(hourFile, number)),
      ...parquet.map((number) => parquetOf(partOf(hourFile, number))),
    ];
  }

  async #partsOf(hourFile: string, end: string): Promise<number[]> {
    const names = (await this.#disk.list(dirname(join(this.#root, hourFile)))) ?? [];
    const stem = basename(stemOf(hourFile));
    return names.flatMap((name) => {
      if (!name.startsWith(stem) || !name.endsWith(end)) return [];
      const rest = name.slice(stem.length, -end.length);
      if (rest === '') return [1];
      return /^-[1-9]\d*$/.test(rest) ? [Number(rest.slice(1))] : [];
    });
  }

  #remember(hourFile: string, highest: number): void {
    this.#highest.delete(hourFile);
    this.#highest.set(hourFile, highest);
    const [oldest] = this.#highest.keys();
    if (this.#highest.size > KNOWN_MAX && oldest !== undefined) this.#highest.delete(oldest);
  }
}

function stemOf(file: string): string {
  return file.slice(0, -LINES_END.length);
}
