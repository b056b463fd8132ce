import type { HbaseRow } from './row.ts';

/** Characters of one request: a bound on what the REST server holds at once. */
export const BODY_MAX = 4 * 2 ** 20;

/** A row as it stands in the body of `PUT /TABLE/row` (HBase Reference Guide, "REST"). */
export function rowText({ key, timestampMs, cells }: HbaseRow, family: string): string {
  const texts = Object.entries(cells).map(
    ([name, value]) => `{"column":"${base64(`${family}:${name}`)}","timestamp":${timestampMs},"$":"${base64(value)}"}`,
  );
  return `{"key":"${base64(key)}","Cell":[${texts.join(',')}]}`;
}

/** The body that puts some rows. */
export function cellSetOf(rowTexts: readonly string[]): string {
  return `{"Row":[${rowTexts.join(',')}]}`;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
