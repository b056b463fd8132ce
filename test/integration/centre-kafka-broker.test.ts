/** The centre over a real Kafka, which other tests share. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import { type CentralConfig, KAFKA_CLIENTS, type KafkaClientKind } from '../../central/config/types.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { batchOf, saltOf, samplesOf } from '../batches.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { LogLines } from '../log-lines.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);
const TIMEOUT_MS = 240_000;
const PATIENCE_MS = 60_000;

let folder: string;
let open: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-centre-kafka-'));
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

async function configWith(client: KafkaClientKind, ack: readonly string[]): Promise<CentralConfig> {
  return {
    file: 'central.yaml',
    ingest: {
      mqtt: { mode: 'embedded', listen: { host: '127.0.0.1', port: 0 }, tls: undefined },
      udp: undefined,
      intakeBytesMax: 16 * 2 ** 20,
    },
    kafka: {
      client,
      brokers: [await sharedKafka()],
      partitions: 3,
      replication: 1,
      prefix: `centre-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`,
      retentionMs: 86_400_000,
    },
    ack,
    sinks: [
      { kind: 'files', name: 'archive', path: join(folder, 'records'), format: 'ndjson', layout: 'date' },
      { kind: 'ack_log', name: 'acks', path: join(folder, 'acks.txt') },
    ],
    stateDir: join(folder, 'state'),
    logLevel: 'silent',
  };
}

async function started(config: CentralConfig): Promise<{ readonly centre: Centre; readonly lines: LogLines }> {
  const lines = new LogLines();
  const centre = new Centre(config, { clock: systemClock, random: systemRandom, log: lines });
  open.push(() => centre.stop());
  await centre.start();
  return { centre, lines };
}

/** Sends records until they are stored, as a gateway does: what is `busy` comes again, what is held is waited for. */
async function stored(gateway: PlainGateway, first: number, ...sequences: number[]): Promise<void> {
  for (let number = first; ; number += 1) {
    await gateway.send(batchOf({ salt: SALT, records: samplesOf(sequences), batch: number }));
    for (;;) {
      const ack = await gateway.nextAck();
      if (ack.stored !== undefined) return;
      if (ack.busy === undefined) continue;
      await systemClock.sleep(ack.busy.retryAfterMs);
      break;
    }
  }
}

async function gatewayOf(centre: Centre): Promise<PlainGateway> {
  const [broker] = centre.status().ingest as EmbeddedBrokerStatus[];
  const gateway = await PlainGateway.connect(broker?.url as string, 'plaka');
  open.push(() => gateway.end());
  return gateway;
}

function linesIn(path: string): string[] {
  const file = join(folder, path);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

const HOUR_FILE = 'records/2026/01/31/23.ndjson';
const idsInHour = (): string[] => linesIn(HOUR_FILE).map((line) => (JSON.parse(line) as { id: string }).id);

describe.each(KAFKA_CLIENTS)('a centre over a real Kafka, with %s', { tags: ['kafka'] }, (client) => {
  test.each([
    ['Kafka', []],
    ['the sink', ['archive']],
  ])(
    'what %s has is acknowledged, goes into the file once, and a second centre goes on there',
    { timeout: TIMEOUT_MS },
    async (_, ack) => {
      const config = await configWith(client, ack);
      const first = await started(config);
      const gateway = await gatewayOf(first.centre);
      await stored(gateway, 1, 2, 3, 4);
      await stored(gateway, 100, 3, 4, 5);
      const ids = [2, 3, 4, 5].map((sequence) => recordIdOf(RUN, sequence));
      await eventually('the file has them', PATIENCE_MS, () => idsInHour().length >= ids.length);
      await eventually('so has the log of acks', PATIENCE_MS, () => linesIn('acks.txt').length >= ids.length);
      expect([idsInHour(), linesIn('acks.txt')]).toEqual([ids, ids]);
      await first.centre.stop();
      expect(first.lines.told.filter((line) => !line.startsWith('info:'))).toEqual([]);

      const second = await started(config);
      await stored(await gatewayOf(second.centre), 200, 4, 5, 6);
      const more = [...ids, recordIdOf(RUN, 6)];
      await eventually('the file has the new one', PATIENCE_MS, () => idsInHour().length >= more.length);
      expect(idsInHour()).toEqual(more);
    },
  );
});
