import type { Ack } from '../../protocol/ack.ts';

export interface TransportLimits {
  /** Bytes that one batch may have. */
  readonly batchBytesMax: number;
  /** Batches that may wait for their ack at once. */
  readonly batchesInFlightMax: number;
  /** Batches of one lane that may wait to be handed on: 2 when left out. May change as the link does. */
  readonly batchesUnsentMax?: number;
  /** How long to wait for an ack before the batch counts as lost, in milliseconds. */
  readonly ackDeadlineMs: number;
}

export interface TransportEvents {
  /** An ack as decoded from the wire. Called any number of times for a batch, also for one never sent. */
  onAck(ack: Ack): void;
  /** The link is gone: everything in flight may be lost. Called once per successful `open`. */
  onDown(error: Error): void;
}

/** A way out of the gateway. Owns its connection; owns no queue and forgets a batch once it is written. */
export interface Transport {
  readonly kind: string;
  /** Where it leads, for people; without secrets. */
  readonly url?: string;
  readonly limits: TransportLimits;
  /** Connects once. Rejects with `LINK_DOWN`, `LINK_REFUSED` or `LINK_SILENT`; may be called again after that. */
  open(events: TransportEvents, signal: AbortSignal): Promise<void>;
  /** Resolves when the batch was handed on (MQTT: PUBACK; UDP: the centre's receipt), which means "sent" and never "done". Rejects when it was not. An urgent one overtakes what waits inside the transport. */
  send(batch: Uint8Array, options?: { readonly isUrgent?: boolean }): Promise<void>;
  /** Safe whether or not `open` succeeded. Says goodbye where the protocol has a word for it. */
  close(): Promise<void>;
}
