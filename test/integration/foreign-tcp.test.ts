/** A source of lines over real connections. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuoyJsonFormat } from '../../central/formats/buoy-json/buoy-json.ts';
import { TimeZone } from '../../central/formats/time-zone.ts';
import { ForeignIntake } from '../../central/ingest/foreign/foreign-intake.ts';
import type { ForeignEntry } from '../../central/ingest/foreign/foreign-log.ts';
import { sealed } from '../../central/ingest/foreign/seal.ts';
import { SealGate } from '../../central/ingest/foreign/seal-gate.ts';
import { TcpSource, type TcpSourceOptions } from '../../central/ingest/foreign/tcp-source.ts';
import { MooringError } from '../../runtime/errors.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../log-lines.ts';
import { eventually } from '../processes.ts';

const KEY = Buffer.alloc(32, 7);
const MAX = 1024;

let folder: string;
let clock: SteppedClock;
let stored: ForeignEntry[];
let letters: number;
let isAway: boolean;
let source: TcpSource;
let talkers: Talker[];

interface Talker {
  readonly socket: Socket;
  readonly heard: string[];
  isClosed: boolean;
}

async function opened(options: Partial<TcpSourceOptions> = {}): Promise<TcpSource> {
  const common = { source: 'meteo', clock, log: new LogLines() };
  const intake = new ForeignIntake({
    ...common,
    format: new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
    recordLog: {
      append: async (entries) => {
        if (isAway) throw new MooringError('LOG_FAILED', 'it is away');
        return entries.map((entry) => ({ partition: 0, offset: stored.push(entry) - 1 }));
      },
    },
    letters: {
      append: async () => {
        letters += 1;
      },
    },
    dedupeMs: 60_000,
    bytesMax: 2 ** 20,
  });
  source = new TcpSource({
    ...{ ...common, listen: { host: '127.0.0.1', port: 0 }, lineBytesMax: MAX, idleMs: 60_000 },
    ...{ connectionsPerAddressMax: 3, isReplying: true, intake },
    ...options,
  });
  await source.open(new AbortController().signal);
  return source;
}

async function talker(): Promise<Talker> {
  const socket = connect({ host: '127.0.0.1', port: source.status().address?.port ?? 0 });
  const one: Talker = { socket, heard: [], isClosed: false };
  socket.on('error', () => undefined);
  socket.on('close', () => {
    one.isClosed = true;
  });
  createInterface({ input: socket }).on('line', (line) => one.heard.push(line));
  talkers.push(one);
  const before = source.status().connections;
  await eventually('it is connected', 10_000, () => !socket.connecting);
  await eventually('it is accepted', 10_000, () => source.status().connections >= Math.min(before, 3));
  return one;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-tcp-'));
  clock = new SteppedClock();
  stored = [];
  letters = 0;
  isAway = false;
  talkers = [];
});
afterEach(async () => {
  for (const { socket } of talkers) socket.destroy();
  await source.close();
  rmSync(folder, { recursive: true });
});

const lineOf = (second: number): string =>
  JSON.stringify({ timestamp: `2024-07-21 10:06:${String(second).padStart(2, '0')}`, temperature: 0, sensor_id: 1 });

test('each line is a message, wherever its bytes are cut, and is answered once it is durable', async () => {
  await opened();
  const one = await talker();
  const text = `${lineOf(1)}\r\n${lineOf(2).padEnd(MAX)}\n${lineOf(3)}`;
  one.socket.write(text.slice(0, 20));
  one.socket.write(text.slice(20));
  one.socket.end();
  await eventually('it is let go, when all is said', 10_000, () => one.isClosed);
  expect(stored.map(({ flat }) => [flat.timestamp, flat.temperature])).toEqual(
    [1, 2, 3].map((second) => [`2024-07-21T08:06:0${second}.000Z`, 0]),
  );
  expect(one.heard.map((line) => JSON.parse(line))).toMatchObject([
    { source: 'meteo', offset: 0, bytes: lineOf(1).length, original: '1' },
    { offset: 1, bytes: MAX },
    { offset: 2 },
  ]);
});

test('a line that is too long or no message costs no other', async () => {
  await opened();
  const one = await talker();
  one.socket.write(`${'x'.repeat(100_000)}\nno JSON\n${lineOf(1)}\n`);
  await eventually('the good one is stored', 10_000, () => stored.length === 1);
  expect([source.status().tooLong, source.status().received, letters]).toEqual([1, 2, 1]);
});

test('while nothing can be stored a sender is read no further, and loses nothing', async () => {
  await opened({ waitingBytesMax: 1000 });
  isAway = true;
  const one = await talker();
  const all = Array.from({ length: 50 }, (_, at) => lineOf(at));
  one.socket.write(`${all.slice(0, 20).join('\n')}\n`);
  await eventually('they wait', 10_000, () => source.status().waiting === 20);
  one.socket.write(`${all.slice(20).join('\n')}\n`);
  isAway = false;
  await eventually('all are stored', 10_000, async () => {
    await clock.advance(2000);
    return stored.length === 50;
  });
  expect(source.status()).toMatchObject({ waiting: 0, lost: 0, received: 50, connections: 1 });
});

test('who is held back for longer than `idle` is let go for nothing', async () => {
  await opened({ waitingBytesMax: 1000 });
  isAway = true;
  const one = await talker();
  one.socket.write(`${Array.from({ length: 20 }, (_, at) => lineOf(at)).join('\n')}\n`);
  await eventually('they wait', 10_000, () => source.status().waiting === 20);
  await clock.advance(150_000);
  one.socket.write(`${lineOf(20)}\n`);
  isAway = false;
  await eventually('all are stored', 10_000, async () => {
    await clock.advance(2000);
    return stored.length === 21;
  });
});

test('what is lost as it ends is told of to the last', async () => {
  const log = new LogLines();
  await opened({ log });
  isAway = true;
  const one = await talker();
  one.socket.write(`${Array.from({ length: 6 }, (_, at) => lineOf(at)).join('\n')}\n`);
  await eventually('they wait', 10_000, () => source.status().waiting === 6);
  await source.close();
  const told = log.fields.filter((_, at) => log.said[at]?.includes('are lost')) as { readonly refused: number }[];
  expect(told.reduce((sum, { refused }) => sum + refused, 0)).toBe(6);
});

test('one more than an address may have takes the place of the oldest, and who says nothing is let go', async () => {
  await opened();
  const all = [await talker(), await talker(), await talker(), await talker()];
  await eventually('the oldest is let go', 10_000, () => all[0]?.isClosed === true);
  expect(source.status()).toMatchObject({ displaced: 1, connections: 3 });
  await clock.advance(59_000);
  all[3]?.socket.write(`${lineOf(1)}\n`);
  await eventually('it is stored', 10_000, () => stored.length === 1);
  await clock.advance(2000);
  await eventually('the silent are let go', 10_000, () => all.filter(({ isClosed }) => isClosed).length === 3);
  expect(all[3]?.isClosed).toBe(false);
});

test('sealed lines are taken once, numbered in the answer; a forged one ends its connection', async () => {
  writeFileSync(join(folder, 'key'), KEY.toString('hex'), { mode: 0o600 });
  const files = { keyFile: join(folder, 'key'), memoryFile: join(folder, 'sequences.json') };
  const gate = new SealGate({ source: 'meteo', ...files, clock, log: new LogLines() });
  await gate.open();
  await opened({ gate });
  const said = (sequence: number, key: Uint8Array = KEY): string => {
    const bytes = sealed(key, { sender: 'buoy-1', sequence, message: Buffer.from(lineOf(sequence)) });
    return `${Buffer.from(bytes).toString()}\n`;
  };
  const one = await talker();
  one.socket.write(said(1) + said(2) + said(1) + said(3));
  await eventually('three are answered', 10_000, () => one.heard.length === 3);
  expect(one.heard.map((line) => JSON.parse(line))).toMatchObject([
    { sender: 'buoy-1', sequence: 1, bytes: lineOf(1).length },
    { sequence: 2 },
    { sequence: 3 },
  ]);
  one.socket.write(said(4, Buffer.alloc(32)) + said(5));
  await eventually('it is let go', 10_000, () => one.isClosed);
  const other = await talker();
  other.socket.write(`${lineOf(9)}\n`);
  await eventually('so is who seals nothing', 10_000, () => other.isClosed);
  expect(gate.status()).toEqual({ refused: { forged: 2, replayed: 1, older: 0 }, senders: 1 });
  expect(stored).toHaveLength(3);
  await gate.close();
});
