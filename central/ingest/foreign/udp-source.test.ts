import { beforeEach, expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import type { BindDatagrams, OnDatagram } from '../udp/datagram-socket.ts';
import type { ForeignOutcome, ReceivedMessage } from './foreign-intake.ts';
import { UdpSource, type UdpSourceOptions } from './udp-source.ts';

const FROM = { address: '192.0.2.1', port: 9 };
const LISTEN = { host: '127.0.0.1', port: 20_001 };
const LATER: ForeignOutcome = { isTaken: false, why: 'failed', retryAfterMs: 2000 };

let clock: SteppedClock;
let lines: LogLines;
let given: ReceivedMessage[];
let answerOf: (message: ReceivedMessage) => ForeignOutcome | Promise<ForeignOutcome>;
let sent: { readonly text: string; readonly port: number }[];
let onDatagram: OnDatagram;
let source: UdpSource;

const bind: BindDatagrams = async (address, handler) => {
  onDatagram = handler;
  return {
    address,
    receiveBufferBytes: 1,
    send: (datagram, { port }) => void sent.push({ text: Buffer.from(datagram).toString(), port }),
    close: async () => undefined,
  };
};

function taken(message: ReceivedMessage): ForeignOutcome {
  const original = Buffer.from(message.bytes).toString();
  return { isTaken: true, records: [{ id: 'an id', original, partition: 2, offset: 7 }], refused: [] };
}

async function opened(options: Partial<UdpSourceOptions> = {}): Promise<UdpSource> {
  source = new UdpSource({
    source: 'meteo',
    listen: LISTEN,
    datagramBytesMax: 100,
    isReplying: true,
    intake: {
      take: async (message) => {
        given.push(message);
        return await answerOf(message);
      },
    },
    clock,
    log: lines,
    bind,
    ...options,
  });
  await source.open(new AbortController().signal);
  return source;
}

beforeEach(() => {
  clock = new SteppedClock();
  lines = new LogLines();
  given = [];
  sent = [];
  answerOf = taken;
});

const texts = (): string[] => given.map(({ bytes }) => Buffer.from(bytes).toString());
const hear = (text: string, from = FROM): void => onDatagram(Buffer.from(text), from);

test('a datagram is a message, and its sender is told when it is durable', async () => {
  await opened();
  const durable = Promise.withResolvers<ForeignOutcome>();
  answerOf = () => durable.promise;
  hear('one');
  await clock.advance(5000);
  expect([texts(), sent]).toEqual([['one'], []]);
  durable.resolve(taken(given[0] as ReceivedMessage));
  await clock.advance(0);
  expect(sent.map(({ text, port }) => [JSON.parse(text), port])).toEqual([
    [
      {
        id: 'an id',
        original: 'one',
        source: 'meteo',
        partition: 2,
        offset: 7,
        bytes: 3,
        sha256: '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
        received_at: '2026-01-01T00:00:00.000Z',
      },
      FROM.port,
    ],
  ]);
});

test('nobody is told of what has made no record, or where no reply is asked for', async () => {
  answerOf = () => ({ isTaken: true, records: [], refused: [{ code: 'invalid_record', reason: 'no', text: '' }] });
  await opened();
  hear('nothing');
  await clock.advance(0);
  answerOf = taken;
  await opened({ isReplying: false });
  hear('one');
  await clock.advance(0);
  expect([texts(), sent]).toEqual([['nothing', 'one'], []]);
});

test('a datagram that is longer than it may be is refused whole, counted, and told once a minute', async () => {
  await opened();
  hear('x'.repeat(100));
  for (let times = 0; times < 90; times += 1) {
    hear('x'.repeat(101));
    await clock.advance(1000);
  }
  expect(given).toHaveLength(1);
  expect(source.status()).toMatchObject({ address: LISTEN, received: 1, tooLong: 90 });
  expect(lines.said.slice(1)).toEqual(
    Array(2).fill('warn: datagrams of a source are refused: they are longer than `max`'),
  );
});

test('what cannot be stored waits, keeps the time of its receipt, and is given again in its order', async () => {
  await opened();
  answerOf = () => LATER;
  hear('one');
  await clock.advance(500);
  hear('two');
  await clock.advance(1000);
  expect([texts(), source.status().waiting]).toEqual([['one'], 2]);
  answerOf = taken;
  await clock.advance(500);
  hear('three');
  await clock.advance(10_000);
  expect(texts()).toEqual(['one', 'one', 'two', 'three']);
  const startMs = Date.UTC(2026, 0, 1);
  expect(given.map(({ receivedAtMs }) => receivedAtMs - startMs)).toEqual([0, 0, 500, 2000]);
  expect(source.status()).toMatchObject({ received: 3, lost: 0, waiting: 0, replies: 3 });
});

test('no more wait than there is room for, and what is lost is counted', async () => {
  await opened({ waitingBytesMax: 3 * 210 });
  answerOf = () => LATER;
  for (let index = 0; index < 5; index += 1) {
    hear(`datagram ${index}`);
    await clock.advance(1);
  }
  expect(source.status()).toMatchObject({ waiting: 3, lost: 2 });
  await source.close();
  expect(source.status()).toMatchObject({ address: undefined, waiting: 0, lost: 5 });
  await clock.advance(10_000);
  expect(given).toHaveLength(1);
});
