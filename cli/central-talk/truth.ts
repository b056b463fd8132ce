import { closeSync, openSync, writeSync } from 'node:fs';
import type { MetricValue } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { DisturbedMessage } from '../../sim/talkers/devices/disturbed.ts';

/** What has become of a message on its way; `unknown` where nobody has confirmed it before the end. */
export type Outcome = 'taken' | 'refused' | 'unknown';

/** A line of a truth file: what was sent, or lost on purpose, and what a right centre makes of it. Keys are added, never renamed. */
export interface TruthLine {
  /** Which of the devices' messages, from 1; a copy has the number of what it is a copy of. */
  readonly message: number;
  readonly fate: DisturbedMessage['fate'];
  /** Null where it was not sent. */
  readonly outcome: Outcome | null;
  /** When the devices said it, by their own time; ISO 8601, UTC. */
  readonly said_at: string;
  /** When it was sent; null where it was not. */
  readonly sent_at: string | null;
  readonly topic: string | null;
  readonly bytes: number;
  /** What is true. A right centre has it where the fate is `sent` or `copy`, once. */
  readonly readings: readonly TruthReading[];
}

export interface TruthReading {
  readonly source_id: string;
  /** ISO 8601, UTC; null where the message says no time. */
  readonly timestamp: string | null;
  /** In the registry's names and units, or `x_…`. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

export function truthLineOf(
  message: DisturbedMessage,
  sent: { readonly outcome: Outcome; readonly atMs: number } | undefined,
): TruthLine {
  const { number, fate, atMs, topic = null, bytes, truth } = message;
  return {
    message: number,
    fate,
    outcome: sent?.outcome ?? null,
    said_at: isoOf(atMs),
    sent_at: sent === undefined ? null : isoOf(sent.atMs),
    topic,
    bytes: bytes.length,
    readings: truth.map(({ sourceId, timestampMs, metrics }) => ({
      source_id: sourceId,
      timestamp: timestampMs === undefined ? null : isoOf(timestampMs),
      metrics,
    })),
  };
}

/** A file with a JSON object a line. Anew: what was there is gone. */
export class TruthFile {
  readonly #descriptor: number;

  /** Throws `CONFIG_UNREADABLE` where it cannot be written. */
  constructor(path: string) {
    try {
      this.#descriptor = openSync(path, 'w');
    } catch (cause) {
      throw new MooringError('CONFIG_UNREADABLE', 'the truth file cannot be written', {
        cause,
        context: { path },
        hint: 'Name a file in a folder that is there and that this user may write to.',
      });
    }
  }

  write(line: TruthLine): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
