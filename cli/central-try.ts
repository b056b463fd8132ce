import { foreignRecordOf } from '../central/formats/foreign-record.ts';
import type { Format, RefusedPart } from '../central/formats/format.ts';
import { MappingFormat } from '../central/formats/mapping/mapping.ts';
import { loadMapping } from '../central/formats/mapping/mapping-file.ts';
import { cutText, refusedPart } from '../central/formats/refuse.ts';
import { TimeZone } from '../central/formats/time-zone.ts';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import { MooringError } from '../runtime/errors.ts';
import { readTryFile, type TryMessage, tryMessagesOf } from './central-try/messages.ts';
import { tryTable } from './central-try/table.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';

export interface TryOptions {
  /** As the source's `zone`, where the mapping names none. */
  readonly zone?: string | undefined;
  /** That the messages came on. */
  readonly topic?: string | undefined;
  readonly json: boolean;
}

interface Place {
  /** Which message of the file, counted from 1. */
  readonly message: number;
  /** That it stands in; null where the file is one message, or a list of them. */
  readonly line: number | null;
}

/** A record that a message would become, of the source `try`. */
export interface Tried extends Place {
  readonly record: FlatRecord;
}

export interface TriedRefusal extends Place, RefusedPart {}

/** What `mooring central try --json` prints. */
export interface TryReport {
  /** There are messages, and nothing of them was refused. */
  readonly ok: boolean;
  readonly messages: number;
  readonly records: readonly Tried[];
  readonly refused: readonly TriedRefusal[];
}

/**
 * `mooring central try MAPPING FILE`: what a mapping makes of messages, without a centre: a row for each record and each
 * refusal, or one JSON object. Returns the exit status: 0 where everything was taken, 1 where something was refused, 2 where
 * there is no message. Throws `CONFIG_INVALID` and `CONFIG_UNREADABLE`.
 */
export function runCentralTry(
  mappingFile: string,
  file: string,
  { zone, topic, json }: TryOptions,
  { clock, streams }: Pick<Host, 'clock' | 'streams'>,
): number {
  const mapping = loadMapping(mappingFile, { zone: zone === undefined ? undefined : zoneNamed(zone) });
  const trial = new Trial(new MappingFormat(mapping), topic, clock.wallMs());
  for (const message of tryMessagesOf(readTryFile(file), mapping)) trial.add(message);
  const report = trial.report();
  streams.out.write(json ? `${JSON.stringify(report)}\n` : tryTable(report));
  if (report.messages === 0) return EXIT.usage;
  return report.ok ? EXIT.ok : EXIT.failure;
}

class Trial {
  readonly #format: Format;
  readonly #topic: string | undefined;
  readonly #receivedAtMs: number;
  readonly #records: Tried[] = [];
  readonly #refused: TriedRefusal[] = [];
  #messages = 0;

  constructor(format: Format, topic: string | undefined, receivedAtMs: number) {
    this.#format = format;
    this.#topic = topic;
    this.#receivedAtMs = receivedAtMs;
  }

  add({ number, line, bytes }: TryMessage): void {
    const place = { message: number, line };
    this.#messages += 1;
    try {
      const { readings, refused } = this.#format.parse({ bytes, topic: this.#topic });
      this.#refused.push(...refused.map((part) => ({ ...place, ...part })));
      for (const reading of readings) {
        const parts = { source: SOURCE, reading, receivedAtMs: this.#receivedAtMs };
        this.#records.push({ ...place, record: foreignRecordOf(parts) });
      }
    } catch (error) {
      this.#refused.push({ ...place, ...refusedPart(cutText(Buffer.from(bytes).toString().trim()), error) });
    }
  }

  report(): TryReport {
    const ok = this.#messages > 0 && this.#refused.length === 0;
    return { ok, messages: this.#messages, records: this.#records, refused: this.#refused };
  }
}

const SOURCE = 'try';

function zoneNamed(name: string): TimeZone {
  try {
    return new TimeZone(name);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MooringError('CONFIG_INVALID', '--zone names no time zone', {
      context: { zone: name },
      hint: 'Write one of the IANA database: Europe/Athens.',
    });
  }
}
