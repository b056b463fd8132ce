import { zstdDecompressSync } from 'node:zlib';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

/** A row as the file has it: null where a column is absent, a date where it is a time. */
export type ReadRow = Readonly<Record<string, unknown>>;

/** Where the bytes of a Parquet file are. */
export interface ByteSource {
  readonly byteLength: number;
  /** The bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/**
 * Some columns of a file that `ParquetRecordFile` has written, a row group at a time. Rejects with the reader's own errors
 * for what is no such file.
 */
export async function* readRows(source: ByteSource, columns?: readonly string[]): AsyncGenerator<readonly ReadRow[]> {
  const file: AsyncBuffer = {
    byteLength: source.byteLength,
    slice: async (start, end = source.byteLength) => {
      // A copy: what is read may be a part of a larger buffer.
      return new Uint8Array(await source.read(start, end)).buffer;
    },
  };
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    yield await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      ...(columns === undefined ? {} : { columns: [...columns] }),
      compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    });
    rowStart = rowEnd;
  }
}
