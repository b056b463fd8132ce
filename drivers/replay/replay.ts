import { z } from 'zod';
import { METRIC_NAME_PATTERN, NAME_PATTERN, RESERVED_KEYS } from '../../protocol/record.ts';
import { filePath, pattern } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, PushedSensor, Reading, SensorContext } from '../driver.ts';
import { type OpenLines, openLines, type RecordedLines } from './recorded-lines.ts';
import { type RecordedReading, recordedIn } from './recording.ts';

const optionsSchema = z.strictObject({
  file: filePath().describe(
    'The log: NDJSON, flat records as the `files` sink writes them or `mooring read --json` prints',
  ),
  metrics: z
    .array(
      pattern(METRIC_NAME_PATTERN, 'the name of a metric', 'Name metrics as they stand in the log.').refine(
        (name) => !RESERVED_KEYS.has(name),
        { error: "is a key of the record's own" },
      ),
    )
    .min(1)
    .describe('The metrics to take from the log'),
  station: pattern(NAME_PATTERN, 'the name of a station', 'Name the station as it stands in the log.')
    .optional()
    .describe("The station whose records to take; that of the log's first sample if left out"),
  speed: z.number().min(0.001).max(1000).default(1).describe('How many times faster than it was recorded'),
  loop: z.boolean().default(false).describe('Whether to begin again at the end; else the sensor has failed then'),
});

type Options = z.output<typeof optionsSchema>;

/** A driver that replays what a log holds; how a log is opened is handed in. */
export function replayFrom(open: OpenLines): Driver<Options> {
  return {
    name: 'replay',
    summary: 'A recorded log as a sensor: its values again, as far apart as they were, or faster',
    options: optionsSchema,
    metrics: ({ metrics }) => [...new Set(metrics)].map((name) => ({ name })),
    create: (options, context) => new Replay(options, context, open),
  };
}

export const replay = replayFrom(openLines);

/** Between the last record and the first of the next round, where the log has only one, in milliseconds. */
const ALONE_MS = 1000;

class Replay implements PushedSensor {
  readonly mode = 'pushed';
  readonly #options: Options;
  readonly #context: SensorContext;
  readonly #open: OpenLines;
  #lines: RecordedLines | undefined;
  /** What was read and is not due yet. */
  #next: RecordedReading[] = [];
  #station: string | undefined;
  #hasSaidDamaged = false;

  constructor(options: Options, context: SensorContext, open: OpenLines) {
    this.#options = options;
    this.#context = context;
    this.#open = open;
  }

  /** At the beginning of the log. Throws `PORT_ABSENT`, `PORT_PERMISSION`, `SENSOR_UNKNOWN` where it holds no sample. */
  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    signal.throwIfAborted();
    await this.#rewind();
    signal.throwIfAborted();
  }

  /** Throws `SENSOR_FAILED`, which nothing heals, when the log is at its end and not to begin again. */
  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    const { clock } = this.#context;
    const { speed, loop } = this.#options;
    let gapMs = ALONE_MS;
    let dueMs = clock.monotonicMs();
    let before: RecordedReading | undefined;
    while (!signal.aborted) {
      const recorded = await this.#take();
      if (recorded === undefined) {
        if (!loop) throw this.#endError();
        await this.#rewind();
        before = undefined;
        // Never 0, as a log of one moment would be given as fast as the machine can.
        dueMs += (gapMs || ALONE_MS) / speed;
        continue;
      }
      // A log that goes back in time, as after a clock was set, goes on at once.
      if (before !== undefined) gapMs = Math.max(0, recorded.timestampMs - before.timestampMs);
      if (before !== undefined) dueMs += gapMs / speed;
      before = recorded;
      await clock.sleep(dueMs - clock.monotonicMs(), signal).catch(() => undefined);
      if (!signal.aborted) yield recorded.reading;
    }
  }

  async close(): Promise<void> {
    const lines = this.#lines;
    this.#lines = undefined;
    this.#next = [];
    await lines?.close();
  }

  async #rewind(): Promise<void> {
    await this.close();
    this.#lines = await this.#open(this.#options.file);
    this.#station = this.#options.station;
    const first = await this.#take();
    if (first === undefined) {
      await this.close();
      throw this.#emptyError();
    }
    this.#next.unshift(first);
  }

  /** The next sample of the station; undefined at the end. */
  async #take(): Promise<RecordedReading | undefined> {
    for (;;) {
      const recorded = this.#next.shift();
      if (recorded !== undefined) {
        this.#station ??= recorded.station;
        if (recorded.station === this.#station) return recorded;
        continue;
      }
      const line = await this.#lines?.next();
      if (line === undefined) return undefined;
      this.#next = recordedIn(line, this.#options.metrics) ?? this.#damaged();
    }
  }

  #damaged(): [] {
    if (!this.#hasSaidDamaged) this.#context.log.warn({ file: this.#options.file }, 'the recording has damaged lines');
    this.#hasSaidDamaged = true;
    return [];
  }

  #emptyError(): MooringError {
    const { file, station } = this.#options;
    const message =
      station === undefined ? 'the recording holds no sample' : 'the recording holds no sample of this station';
    return new MooringError('SENSOR_UNKNOWN', message, {
      context: { file, station },
      hint: 'It wants NDJSON: a record a line, as the `files` sink writes it.',
    });
  }

  #endError(): MooringError {
    return new MooringError('SENSOR_FAILED', 'the recording has come to its end', {
      context: { file: this.#options.file },
      hint: 'With `loop: true` it begins again.',
      retry: 'never',
    });
  }
}
