/** A source of datagrams on a real socket. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuoyJsonFormat } from '../../central/formats/buoy-json/buoy-json.ts';
import { TimeZone } from '../../central/formats/time-zone.ts';
import { ForeignIntake } from '../../central/ingest/foreign/foreign-intake.ts';
import type { ForeignEntry } from '../../central/ingest/foreign/foreign-log.ts';
import { UdpSource } from '../../central/ingest/foreign/udp-source.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { eventually } from '../processes.ts';

const MAX = 1024;
const READING = { timestamp: '2024-07-21 10:06:04.123456', temperature: 24.37, sensor_id: 1 };

let stored: ForeignEntry[];
let source: UdpSource;
let talker: Socket;

function sourceAt(port: number): UdpSource {
  const common = { source: 'meteo', clock: systemClock, log: silentLog };
  const intake = new ForeignIntake({
    ...common,
    format: new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
    recordLog: {
      append: async (entries) => entries.map((entry) => ({ partition: 0, offset: stored.push(entry) - 1 })),
    },
    letters: { append: async () => undefined },
    dedupeMs: 60_000,
    bytesMax: 2 ** 20,
  });
  const listen = { host: '127.0.0.1', port };
  return new UdpSource({ ...common, listen, datagramBytesMax: MAX, isReplying: true, intake });
}

beforeEach(async () => {
  stored = [];
  source = sourceAt(0);
  await source.open(new AbortController().signal);
  talker = createSocket('udp4');
});
afterEach(async () => {
  talker.close();
  await source.close();
});

const send = (text: string): void => talker.send(text, source.status().address?.port ?? 0, '127.0.0.1');

test('a datagram of the longest kind is read whole and answered; one byte more is refused', async () => {
  const text = JSON.stringify(READING).padEnd(MAX);
  send(text);
  const [reply] = (await once(talker, 'message')) as [Buffer];
  expect(JSON.parse(reply.toString())).toMatchObject({ source: 'meteo', bytes: MAX, partition: 0, offset: 0 });
  send(`${text} `);
  send('x'.repeat(60_000));
  await eventually('both datagrams are refused', 10_000, () => source.status().tooLong === 2);
  expect([stored.length, source.status().received]).toEqual([1, 1]);
  expect(stored[0]?.flat).toMatchObject({ timestamp: '2024-07-21T08:06:04.123Z', temperature: 24.37 });
});

test('an address that is taken is an error of the start, and says whose', async () => {
  const second = sourceAt(source.status().address?.port ?? 0);
  await expect(second.open(new AbortController().signal)).rejects.toMatchObject({
    code: 'SOCKET_FAILED',
    context: { source: 'meteo', reason: 'EADDRINUSE' },
    hint: 'Another program listens there: choose another port.',
  });
});
