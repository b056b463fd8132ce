import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectAsync } from 'mqtt';
import { hourFileOf } from '../central/sinks/files/hour-file.ts';
import { encodeBatch } from '../protocol/batch-codec.ts';
import { flatRecordOf } from '../protocol/flat-record.ts';
import { runIdOf, SALT_BYTES } from '../protocol/ids.ts';
import type { SequencedRecord } from '../protocol/record.ts';
import { systemClock } from '../runtime/clock.ts';
import { SeededRandom } from '../runtime/random.ts';
import { median } from './rounds.ts';
import { GATEWAY } from './store-options.ts';

/** As the gateway sends a backlog. */
const RECORDS_PER_BATCH = 1000;
const WINDOW = 16;
const SYNC_EVERY_MS = 1000;
const ROUNDS = 3;
const TOKEN_BYTES = 8;
const TOPIC = 'bare';

/** A batch, and the lines of it by hour file. */
interface Prepared {
  readonly payload: Buffer;
  readonly lines: ReadonlyMap<string, Buffer>;
}

/**
 * Records a second that the same machine carries from one end to the other when nothing is asked of it but to carry them:
 * the same batches, already encoded, over MQTT.js and the same broker with QoS 1 and the window of the gateway; the same
 * lines, already made, appended to the same hour files and synced once a second. No store, no codec, no ack, no state.
 * Median of three rounds.
 */
export async function barePathRate(
  folder: string,
  brokerUrl: string,
  records: readonly SequencedRecord[],
): Promise<number> {
  const prepared = prepare(records);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = systemClock.monotonicMs();
    await carry(join(folder, `bare-${round}`), brokerUrl, prepared);
    rates.push((records.length * 1000) / (systemClock.monotonicMs() - startMs));
  }
  return median(rates);
}

async function carry(folder: string, brokerUrl: string, batches: readonly Prepared[]): Promise<void> {
  const files = new HourFiles(folder);
  const subscriber = await connectAsync(brokerUrl, { reconnectPeriod: 0 });
  const publisher = await connectAsync(brokerUrl, { reconnectPeriod: 0 });
  try {
    await subscriber.subscribeAsync(TOPIC, { qos: 1 });
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    subscriber.on('message', () => {
      // Mosquitto keeps the order of a topic, and with QoS 1 on loopback nothing is sent twice.
      for (const [file, lines] of (batches[arrived] as Prepared).lines) files.append(file, lines);
      arrived += 1;
      if (arrived === batches.length) all.resolve();
    });
    const left = batches.values();
    const publish = async (): Promise<void> => {
      for (const { payload } of left) await publisher.publishAsync(TOPIC, payload, { qos: 1 });
    };
    await Promise.all(Array.from({ length: WINDOW }, publish));
    await all.promise;
    files.sync();
  } finally {
    files.close();
    await Promise.all([subscriber.endAsync(), publisher.endAsync()]);
  }
}

class HourFiles {
  readonly #folder: string;
  readonly #descriptors = new Map<string, number>();
  #syncedMs = systemClock.monotonicMs();

  constructor(folder: string) {
    this.#folder = folder;
  }

  append(file: string, lines: Buffer): void {
    let descriptor = this.#descriptors.get(file);
    if (descriptor === undefined) {
      const path = join(this.#folder, file);
      mkdirSync(dirname(path), { recursive: true });
      descriptor = openSync(path, 'a');
      this.#descriptors.set(file, descriptor);
    }
    writeSync(descriptor, lines);
    if (systemClock.monotonicMs() - this.#syncedMs >= SYNC_EVERY_MS) this.sync();
  }

  sync(): void {
    for (const descriptor of this.#descriptors.values()) fsyncSync(descriptor);
    this.#syncedMs = systemClock.monotonicMs();
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
  }
}

function prepare(records: readonly SequencedRecord[]): Prepared[] {
  const random = new SeededRandom(1);
  const salt = random.bytes(SALT_BYTES);
  const run = runIdOf(GATEWAY, salt);
  const batches: Prepared[] = [];
  for (let from = 0; from < records.length; from += RECORDS_PER_BATCH) {
    const of = records.slice(from, from + RECORDS_PER_BATCH);
    const payload = encodeBatch({ salt, batch: batches.length + 1, token: random.bytes(TOKEN_BYTES), records: of });
    const texts = new Map<string, string>();
    for (const record of of) {
      const flat = flatRecordOf({ gateway: GATEWAY, run, record, receivedAtMs: record.timestampMs });
      const file = hourFileOf(flat);
      texts.set(file, `${texts.get(file) ?? ''}${JSON.stringify(flat)}\n`);
    }
    const lines = new Map([...texts].map(([file, text]) => [file, Buffer.from(text)]));
    batches.push({ payload: Buffer.from(payload), lines });
  }
  return batches;
}
