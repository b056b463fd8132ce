import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RejectCode } from '../../protocol/ack.ts';
import type { RunId } from '../../protocol/ids.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { Appender } from '../sinks/appender.ts';
import type { Disk } from '../sinks/disk.ts';

/** A record that will never be stored, and why. */
export interface DeadLetter {
  readonly code: RejectCode;
  /** For people; cut where it is long. */
  readonly reason: string;
  readonly gateway: string;
  readonly run: RunId;
  readonly sequence: number;
  readonly receivedAtMs: number;
  /** The record as JSON, whole: once it is refused, no other copy need be left. */
  readonly json: string;
}

/** Where refused records stay. */
export interface DeadLetters {
  /** Resolves when every one is durable: only then may a gateway be told `rejected`. Rejects with a `MooringError`. */
  append(letters: readonly DeadLetter[]): Promise<void>;
}

export interface DeadLetterFilesOptions {
  /** The folder; made when absent. One process writes there at a time. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
}

/** A refusal is rare, and the gateway sends the record again until it is answered: it need not wait long for others. */
const COMMIT_INTERVAL_MS = 200;
const REASON_CHARACTERS_MAX = 200;

/**
 * The dead letter as NDJSON, `<date of receipt>.ndjson`, one refused record a line:
 * `{reason, code, gateway, run, sequence, received_at, record}`. Written like a file sink, so that a record which is sent
 * again after a crash or a lost ack stands there once, and no line is half.
 */
export class DeadLetterFiles implements DeadLetters {
  readonly #appender: Appender;
  readonly #log: Log;
  #signal: AbortSignal | undefined;
  #opened: Promise<void> | undefined;

  constructor({ folder, log, ...rest }: DeadLetterFilesOptions) {
    this.#log = log;
    this.#appender = new Appender({
      ...rest,
      log,
      root: folder,
      stateDir: join(folder, '.mooring'),
      isEmpty: async (disk) => !((await disk.list(folder)) ?? []).some((entry) => entry.endsWith('.ndjson')),
      commitIntervalMs: COMMIT_INTERVAL_MS,
    });
  }

  /**
   * Stands by while another process writes there. A full disk is no reason not to start, as most records need no dead
   * letter: the next append tries again. Throws `SINK_MOUNT_UNFIT`, `SINK_STATE_DAMAGED`, or the signal's reason.
   */
  async open(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    try {
      await this.#open(signal);
    } catch (error) {
      if (!(error instanceof MooringError) || error.code !== 'SINK_FAILED') throw error;
      this.#log.error({ err: error }, 'the dead letter cannot be opened; trying again when it is needed');
    }
  }

  /** Instead of `open`, where it is seldom needed: the first letter opens it, and waits while another process writes there. */
  openWhenNeeded(signal: AbortSignal): void {
    this.#signal = signal;
  }

  async append(letters: readonly DeadLetter[]): Promise<void> {
    assert(this.#signal !== undefined, 'opened before anything is appended');
    try {
      await this.#open(this.#signal);
    } catch (error) {
      throw this.#signal.aborted ? toMooringError(error, 'SINK_FAILED', 'the dead letter is closing') : error;
    }
    await this.#appender.append(
      letters.map((letter) => ({
        run: letter.run,
        lines: [{ sequence: letter.sequence, file: fileOf(letter.receivedAtMs), text: letterLine(letter) }],
      })),
    );
  }

  close(): Promise<void> {
    return this.#appender.close();
  }

  /** Once, however many ask at the same time, until it has succeeded. */
  #open(signal: AbortSignal): Promise<void> {
    this.#opened ??= this.#appender.open(signal).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }
}

function fileOf(receivedAtMs: number): string {
  return `${new Date(receivedAtMs).toISOString().slice(0, 10)}.ndjson`;
}

/** A letter as one line of JSON: `{reason, code, gateway, run, sequence, received_at, record}`. */
export function letterLine({ code, reason, gateway, run, sequence, receivedAtMs, json }: DeadLetter): string {
  const received_at = new Date(receivedAtMs).toISOString();
  const head = { reason: reason.slice(0, REASON_CHARACTERS_MAX), code, gateway, run, sequence, received_at };
  return `${JSON.stringify(head).slice(0, -1)},"record":${json}}`;
}
