import { hash } from 'node:crypto';

/** Whose a letter is: of an existing device's source, of a gateway, or of a sink that could not take what it read. */
export type LetterKind = 'source' | 'gateway' | 'sink' | 'unreadable';

/** What is known of a letter without the message in it. */
export interface LetterHead {
  /** `PARTITION-OFFSET` on the topic, `FILE:LINE` in the folder below `state`. Stays the same. */
  readonly id: string;
  readonly kind: LetterKind;
  /** Name of the source, gateway or sink; '' where the letter cannot be read. */
  readonly origin: string;
  readonly code: string;
  readonly reason: string;
  /** When it was received, as the letter says: UTC, ISO 8601; '' where it does not. */
  readonly time: string;
  /** Bytes of the letter. */
  readonly bytes: number;
}

export interface Letter extends LetterHead {
  /** Everything that it says, by its own keys; empty where it cannot be read. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A word on the topic of dead letters that a letter was put back on its way. */
export interface ReplayMark {
  readonly replayOf: string;
}

const MARK_CODE = 'replayed';

/** The line that marks a letter as replayed. */
export function replayMarkLine(id: string, records: number, wallMs: number): string {
  const received_at = new Date(wallMs).toISOString();
  return JSON.stringify({ reason: 'put back on its way', code: MARK_CODE, replay_of: id, records, received_at });
}

/** A line of the dead letter, as any of its three writers or a replay has written it; never throws. */
export function letterOf(id: string, line: string): Letter | ReplayMark {
  const body = objectOf(line);
  const bytes = Buffer.byteLength(line);
  if (body === undefined) {
    const reason = 'the letter is no JSON object';
    return { id, kind: 'unreadable', origin: '', code: '', reason, time: '', bytes, body: {} };
  }
  if (body.code === MARK_CODE && typeof body.replay_of === 'string') return { replayOf: body.replay_of };
  const [kind, origin] = originOf(body);
  return {
    id,
    kind,
    origin,
    code: textOf(body.code),
    reason: textOf(body.reason),
    time: textOf(body.received_at),
    bytes,
    body,
  };
}

/** The message in a letter; undefined where there is none. `isWhole` where the letter has all of it. */
export function messageOf({ body }: Letter): { readonly bytes: Buffer; readonly isWhole: boolean } | undefined {
  const { message, message_base64, bytes: said, sha256 } = body;
  if (typeof message !== 'string' && typeof message_base64 !== 'string') return undefined;
  const bytes = typeof message === 'string' ? Buffer.from(message) : Buffer.from(String(message_base64), 'base64');
  const isWhole = bytes.length === said && (sha256 === undefined || sha256 === hash('sha256', bytes));
  return { bytes, isWhole };
}

function originOf(body: Readonly<Record<string, unknown>>): [LetterKind, string] {
  if (typeof body.sink === 'string') return ['sink', body.sink];
  if (typeof body.source === 'string') return ['source', body.source];
  return typeof body.gateway === 'string' ? ['gateway', body.gateway] : ['unreadable', ''];
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Anybody may write to a topic.
  }
  return undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
