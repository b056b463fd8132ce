import { zstdDecompressSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import type { JsonValue } from '../protocol/record.ts';

/** The rows of a Parquet file, as hyparquet reads it; what is null is left out. */
export async function parquetRows(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const rows = await parquetReadObjects({
    file: new Uint8Array(bytes).buffer,
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
  });
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined)),
  );
}

/** The flat records that its rows were. */
export async function parquetRecords(bytes: Uint8Array): Promise<FlatRecord[]> {
  return (await parquetRows(bytes)).map(recordOf);
}

function recordOf({ run, sequence, lat, lon, alt, metrics, flags, info, ...row }: Record<string, unknown>): FlatRecord {
  const flat: Record<string, unknown> = { ...row };
  for (const [key, value] of Object.entries(flat)) if (value instanceof Date) flat[key] = value.toISOString();
  if (lat !== undefined) flat.location = { lat, lon, ...(alt === undefined ? {} : { alt }) };
  if (flags !== undefined) flat.flags = parsed(flags);
  if (info !== undefined) flat.info = parsed(info);
  return { ...flat, ...(metrics === undefined ? {} : (parsed(metrics) as object)) } as FlatRecord;
}

function parsed(json: unknown): JsonValue {
  return JSON.parse(String(json)) as JsonValue;
}
