import { zstdCompressSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { StoreRecord } from '../remote/remote-store.ts';
import { COLUMNS, type ColumnType, type RecordRow, rowOf } from './columns.ts';

/** Rows of a row group: what is held until then, and encoded at one go while all else waits: some 100 ms. */
const GROUP_ROWS = 5000;
const CREATED_BY = 'mooring';

const ELEMENTS: Readonly<Record<ColumnType, Partial<SchemaElement>>> = {
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  DOUBLE: { type: 'DOUBLE' },
  INT64: { type: 'INT64' },
  TIMESTAMP: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
};

const SCHEMA: SchemaElement[] = [
  { name: 'record', num_children: COLUMNS.length },
  ...COLUMNS.map(({ name, type, isRequired }) => ({
    ...{ name, repetition_type: isRequired ? ('REQUIRED' as const) : ('OPTIONAL' as const) },
    ...ELEMENTS[type],
  })),
];

/** Records as one Parquet file, compressed with Zstandard (RFC 8878), that grows in memory. */
export class ParquetRecordFile {
  readonly #bytes = new ByteWriter();
  readonly #file = new ParquetWriter({
    writer: this.#bytes,
    schema: SCHEMA,
    codec: 'ZSTD',
    compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
    createdBy: CREATED_BY,
  });
  #rows: RecordRow[] = [];

  add(record: StoreRecord): void {
    this.#rows.push(rowOf(record));
    if (this.#rows.length === GROUP_ROWS) this.#writeGroup();
  }

  /** The whole file; nothing can be added any more. */
  finish(): Uint8Array {
    if (this.#rows.length > 0) this.#writeGroup();
    void this.#file.finish();
    return this.#bytes.getBytes();
  }

  #writeGroup(): void {
    const rows = this.#rows;
    this.#rows = [];
    // Resolves at once: what it writes to is memory.
    void this.#file.write({
      columnData: COLUMNS.map(({ name }) => ({ name, data: rows.map((row) => row[name]) })),
      rowGroupSize: GROUP_ROWS,
    });
  }
}
