import type { JsonValue } from '../../../protocol/record.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

/** A record on its way. */
export interface BulkAction {
  /** Where it stands among those that were to be written. */
  readonly index: number;
  /** The index that it goes to. */
  readonly target: string;
  /** Two lines, each with its end. */
  readonly text: string;
}

/** What the server says of one action. */
export interface BulkItem {
  readonly status: number;
  readonly error?: {
    readonly type?: string;
    readonly reason?: string;
    readonly caused_by?: { readonly reason?: string };
  };
  readonly _shards?: { readonly failed?: number };
}

/** `there`: was before. `again`: no fault of the record. */
export type BulkOutcome = 'created' | 'there' | 'again' | { readonly refused: string };

/** Keeps an answer to a thousand actions at some ten kilobytes. */
export const BULK_FILTER = ['status', 'error.type', 'error.reason', 'error.caused_by.reason', '_shards.failed'].map(
  (part) => `items.create.${part}`,
);

const REASON_CHARACTERS = 500;
/** With status 400: about this document. Others with that status are about the index, the cluster or its bounds. */
const ABOUT_THE_DOCUMENT =
  /^(mapper_parsing|document_parsing|strict_dynamic_mapping|x_content_parse|parsing|json_parse|parse)_exception$/;
/** A shard that is full takes no document, whatever it is. */
const FULL = /documents (per shard|in)\b/i;
const ARGUMENT_OF_THE_DOCUMENT = /total fields|mapper \[|immense term|depth|nested|field name|document/i;

/** `create` under the record's id: what is there already is left as it is. */
export function actionOf({ flat, json, place }: StoreRecord, index: number, target: string): BulkAction {
  const added: Record<string, JsonValue> = place === undefined ? {} : { run: place.run, sequence: place.sequence };
  const position = positionOf(flat.location);
  if (position !== undefined) added['@position'] = position;
  const more = JSON.stringify(added).slice(1, -1);
  // The record's own text, and what is added before its end.
  const document = more === '' ? json : `${json.slice(0, json.lastIndexOf('}'))},${more}}`;
  return { index, target, text: `${JSON.stringify({ create: { _index: target, _id: flat.id } })}\n${document}\n` };
}

/** Where a geo_point can stand: what a gateway says is one, what an existing device says may be beyond the poles. */
function positionOf(location: JsonValue | undefined): { readonly lat: number; readonly lon: number } | undefined {
  if (typeof location !== 'object' || location === null || Array.isArray(location)) return undefined;
  const { lat, lon } = location as { readonly [key: string]: JsonValue };
  if (typeof lat !== 'number' || typeof lon !== 'number') return undefined;
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : undefined;
}

/** What became of one. A copy that could not be written makes it no success: it comes again. */
export function outcomeOf(item: BulkItem): BulkOutcome {
  const { status, _shards } = item;
  if ((_shards?.failed ?? 0) > 0) return 'again';
  if (status === 409) return 'there';
  if (status >= 200 && status < 300) return 'created';
  return status === 400 && isAboutTheDocument(item.error) ? { refused: reasonOf(item) } : 'again';
}

/** What the server said, for people. */
export function reasonOf({ status, error, _shards }: BulkItem): string {
  const failed = _shards?.failed ?? 0;
  if (failed > 0) return `${status}: ${failed} copies of the shard failed`;
  const { type = 'error', reason = '', caused_by: cause } = error ?? {};
  const because = cause?.reason === undefined ? '' : ` (${cause.reason})`;
  return `${status} ${type}: ${reason}${because}`.slice(0, REASON_CHARACTERS);
}

function isAboutTheDocument({ type = '', reason = '' }: NonNullable<BulkItem['error']> = {}): boolean {
  if (ABOUT_THE_DOCUMENT.test(type)) return true;
  return type === 'illegal_argument_exception' && ARGUMENT_OF_THE_DOCUMENT.test(reason) && !FULL.test(reason);
}
