import type { Range } from '../../protocol/intervals.ts';

/** Name of the file, in the folder of its day. No reader of records takes it for one of them. */
export const MANIFEST_FILE = 'manifest.json';
export const MANIFEST_SCHEMA = 1;

/** What a day's folder holds, as far as it was there when this was made. */
export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  /** `2026-01-31`, UTC. */
  readonly day: string;
  /** Counts from 1: a file that came late, or grew, makes another. */
  readonly version: number;
  readonly made_at: string;
  /** Of each name once, whether it is there as NDJSON, as Parquet, or as both. */
  readonly records: number;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Name in the day's folder. */
  readonly file: string;
  /** NDJSON may have grown since: so many of it are meant. */
  readonly bytes: number;
  readonly sha256: string;
  readonly records: number;
  /** Of existing devices, whose ids name no run. */
  readonly foreign: number;
  /** The earliest and the latest time of an event; absent where there is no record. */
  readonly first?: string;
  readonly last?: string;
  readonly runs: readonly { readonly run: string; readonly sequences: readonly Range[] }[];
}

const RECORDS = /^\d\d(-[1-9]\d*)?\.(ndjson|parquet)$/;

/** Whether a name in the folder of a day is that of a file with records. */
export function isRecordsFile(name: string): boolean {
  return RECORDS.test(name);
}

/** `22.ndjson` → `22.parquet`, which has the same records where both are there; any other name as it is. */
export function parquetNameOf(name: string): string {
  return name.replace(/\.ndjson$/, '.parquet');
}

/** A manifest as it stands in a file; undefined for what is none, or of a later schema. */
export function parseManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Manifest> | null;
    return value?.schema === MANIFEST_SCHEMA && Array.isArray(value.files) ? (value as Manifest) : undefined;
  } catch {
    return undefined;
  }
}
