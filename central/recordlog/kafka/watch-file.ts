import { join } from 'node:path';
import { MooringError } from '../../../runtime/errors.ts';
import { WATCH_FILE } from '../../config/places.ts';
import type { Disk } from '../../sinks/disk.ts';
import { replaceText, unhashed, withHash } from '../../sinks/hashed-json.ts';

/** What is remembered of a log. */
export interface Marks {
  readonly cluster: string;
  /** Topic → partition → highest offset that was durable. */
  readonly topics: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

const VERSION = 1;

/** Marks as a file of two lines, JSON and its SHA-256, replaced as a whole. */
export class WatchFile {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get path(): string {
    return join(this.#folder, WATCH_FILE);
  }

  /** Undefined when there is none. Rejects with `LOG_FAILED` for what `replace` did not write, and with Node's errors. */
  async read(): Promise<Marks | undefined> {
    const bytes = await this.#disk.read(this.path);
    return bytes === undefined ? undefined : decode(Buffer.from(bytes).toString('utf8'));
  }

  /** Durable when it resolves. When it rejects, with Node's errors, the file holds the old marks or the new ones, whole. */
  async replace(marks: Marks): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    await replaceText(this.#disk, this.#folder, WATCH_FILE, encode(marks));
  }
}

interface MarksJson {
  readonly version: number;
  readonly cluster: string;
  readonly topics: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

function encode({ cluster, topics }: Marks): string {
  const offsets = Object.fromEntries([...topics].map(([topic, marks]) => [topic, Object.fromEntries(marks)]));
  return withHash(JSON.stringify({ version: VERSION, cluster, topics: offsets } satisfies MarksJson));
}

function decode(text: string): Marks {
  const json = unhashed(text);
  if (json === undefined) throw damaged('its hash does not match its content');
  const { version, cluster, topics } = JSON.parse(json) as MarksJson;
  if (version !== VERSION) throw damaged(`it is of version ${version}, this program reads ${VERSION}`);
  return {
    cluster,
    topics: new Map(
      Object.entries(topics).map(([topic, marks]) => [
        topic,
        new Map(Object.entries(marks).map(([partition, offset]) => [Number(partition), offset])),
      ]),
    ),
  };
}

function damaged(reason: string): MooringError {
  return new MooringError('LOG_FAILED', 'the file is damaged', { context: { reason } });
}
