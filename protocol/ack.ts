import type { Range } from './intervals.ts';

/** Why the centre will never take a record. It is already durable in the dead letter. */
export const REJECT_CODES = ['invalid_record', 'metric_type', 'too_large', 'refused_by_log'] as const;
/** A sink that decides what is acknowledged will never take it. */
export type SinkRejectCode = `sink:${string}`;
export type RejectCode = (typeof REJECT_CODES)[number] | SinkRejectCode;

export function sinkRejectCode(sink: string): SinkRejectCode {
  return `sink:${sink}`;
}

/**
 * The centre's answer to one batch, or to many of one run at once. Any of the parts may be there; an ack may come more than
 * once, late or never. Ranges hold sequences of the run that `salt` names, whatever batch they came in; `busy`, `unreadable`
 * and `versionMax` are about the named batch.
 */
export interface Ack {
  /** The salt, number and token of the batch that is answered. */
  readonly salt: Uint8Array;
  readonly batch: number;
  readonly token: Uint8Array;
  /** Durable: the gateway may free them. */
  readonly stored?: readonly Range[];
  /** The log has them, the sinks not yet: send again after `seconds` without `stored`. Frees nothing. */
  readonly held?: { readonly ranges: readonly Range[]; readonly seconds: number };
  /** Never to be stored; durable in the dead letter. */
  readonly rejected?: readonly { readonly ranges: readonly Range[]; readonly code: RejectCode }[];
  /** Nothing was kept: send again after this time. */
  readonly busy?: { readonly retryAfterMs: number };
  /** The body could not be decoded. */
  readonly unreadable?: true;
  /** The newest batch version that this centre reads. */
  readonly versionMax?: number;
}
