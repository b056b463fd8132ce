import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StateFile } from '../../runtime/state-file.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../../test/log-lines.ts';
import type { SourceConfig } from '../config/sources/types.ts';
import { FlatJsonFormat } from '../formats/flat-json/flat-json.ts';
import { ForeignIntake } from '../ingest/foreign/foreign-intake.ts';
import { foreignLetterLine } from '../ingest/foreign/foreign-letters.ts';
import { stationFileOf } from '../ingest/foreign/station-memory.ts';
import type { KafkaMessage } from '../recordlog/kafka/client.ts';
import { topicNamesOf } from '../recordlog/kafka/topics.ts';
import { type Letter, letterOf } from './letter.ts';
import { Replay } from './replay.ts';

const names = topicNamesOf('mooring');
const source = { name: 'building', format: 'flat-json', dedupeMs: 0 } as SourceConfig;

let stateDir: string;
let clock: SteppedClock;
let produced: KafkaMessage[];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'mooring-replay-'));
  clock = new SteppedClock();
  produced = [];
});

afterEach(async () => {
  await rm(stateDir, { recursive: true });
});

function replay(): Replay {
  const link = {
    produce: async ({ messages }: { readonly messages: readonly KafkaMessage[] }) => {
      produced.push(...messages);
      return await Promise.resolve({ span: { first: 0, last: 0 }, refused: [] });
    },
  };
  const topics = { names, partitions: 1, replication: 1, retentionMs: 1, brokers: [] };
  return new Replay({ link, topics, sources: [source], registries: new Map(), stateDir, clock, log: new LogLines() });
}

/** The letters that a source writes about messages. */
async function lettersOf(...messages: readonly object[]): Promise<Letter[]> {
  const lines: string[] = [];
  const intake = new ForeignIntake({
    source: 'building',
    format: new FlatJsonFormat(),
    recordLog: { append: async (all) => await Promise.resolve(all.map(() => ({ partition: 0, offset: 0 }))) },
    letters: { append: async (letter) => void lines.push(await Promise.resolve(foreignLetterLine(letter))) },
    dedupeMs: 0,
    bytesMax: 2 ** 20,
    clock,
    log: new LogLines(),
  });
  for (const message of messages) {
    await intake.take({ bytes: Buffer.from(JSON.stringify(message)), topic: undefined, receivedAtMs: 5000 });
  }
  return lines.map((line) => letterOf('0-0', line) as Letter);
}

const said = (station_id: string, temperature: unknown): object => ({ station_id, temperature, timestamp: 1769900000 });

test('a device whose name is another’s is not written under it, and is told what to do', async () => {
  const [letter] = await lettersOf(said('TH 1', 20), said('th-1', 35));
  expect(letter?.code).toBe('name_collision');
  expect(await replay().replay(letter as Letter)).toMatchObject({
    state: 'refused',
    reason: expect.stringMatching(
      /^th-1 would be written as th-1, which is the name of TH 1: give the device another name/,
    ),
  });
  expect(produced).toEqual([]);
});

test('nor is one whose name is another’s by what the centre remembers', async () => {
  const [letter] = await lettersOf({ ...said('th-1', 35), humidity: 'x' });
  const right = { ...(letter as Letter), body: { ...letter?.body, ...messageOf(said('th-1', 35)) } };
  expect(await replay().replay(right)).toMatchObject({ state: 'replayed', records: 1 });
  await new StateFile(stationFileOf(stateDir, 'building')).save({ 'th-1': 'TH 1' });
  expect(await replay().replay(right)).toMatchObject({ state: 'refused' });
  expect(produced.filter(({ topic }) => topic === names.records)).toHaveLength(1);
});

function messageOf(said: object): object {
  const message = JSON.stringify(said);
  return { message, bytes: message.length, sha256: undefined };
}
