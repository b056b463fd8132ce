/**
 * A store that decides is away for long: a gateway, two copies of ingest and a Kafka in memory, on a stepped clock.
 * Copies are killed and gateways start again meanwhile, and nothing is sent or produced again but what that takes.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Intake } from '../../central/ingest/intake.ts';
import type { KafkaRecordLog } from '../../central/recordlog/kafka/kafka-recordlog.ts';
import { Forwarder } from '../../daemon/forward/forwarder.ts';
import { decodeBatch } from '../../protocol/batch-codec.ts';
import { type RunId, runIdOf } from '../../protocol/ids.ts';
import { countOf } from '../../protocol/intervals.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { LossyTransport } from '../../sim/lossy-transport.ts';
import { MemoryStore } from '../../sim/memory-store.ts';
import { LogBench } from '../kafka/log-bench.ts';

const GATEWAY = 'plaka';
const FORWARDER = 'centre';
const GROUPS = ['mooring.archive', 'mooring.cassandra'] as const;
const EVERY_MS = 5000;
const RECORDS_EACH = 2;
/** Each half is longer than what is said to be held is good for. */
const OUTAGE_MS = 1_400_000;
/** On their way while nothing is wrong, and a killed copy loses no more of them. */
const USUAL = 40;

interface Copy {
  readonly intake: Intake;
  readonly log: KafkaRecordLog;
  isDead: boolean;
}

let bench: LogBench;
let random: SeededRandom;
let store: MemoryStore;
let forwarder: Forwarder;
let copies: Copy[];
let next: number;
let sent: number;
let acks: number;
let isAway: boolean;
let run: RunId;
beforeEach(() => {
  bench = new LogBench();
  random = new SeededRandom(7);
  const salt = random.bytes(16);
  store = new MemoryStore({ gateway: GATEWAY, salt, clock: bench.clock });
  run = runIdOf(GATEWAY, salt);
  copies = [];
  [next, sent, acks, isAway] = [0, 0, 0, false];
});
afterEach(async () => {
  const stopping = forwarder.stop();
  for (const copy of copies.filter(({ isDead }) => !isDead)) await kill(copy);
  await bench.clock.advance(15_000);
  await stopping;
});

async function startCopy(): Promise<Copy> {
  const log = await bench.opened({ ack: { groups: GROUPS } });
  const { deadLetters } = log;
  const ports = { clock: bench.clock, log: silentLog };
  const intake = new Intake({ recordLog: log, ledger: log, held: log, deadLetters, bytesMax: 1_000_000, ...ports });
  const copy: Copy = { intake, log, isDead: false };
  copies.push(copy);
  return copy;
}

/** Nothing that it says after this is heard. */
async function kill(copy: Copy): Promise<void> {
  copy.isDead = true;
  const closing = copy.intake.close();
  await bench.close(copy.log);
  await closing;
}

function startGateway(): void {
  const { clock } = bench;
  const transport = new LossyTransport({
    gateway: GATEWAY,
    centre: (gateway, bytes, answer) => {
      const alive = copies.filter(({ isDead }) => !isDead);
      const copy = alive[next % alive.length];
      next += 1;
      sent += decodeBatch(bytes).records.length;
      const heard = (ack: Uint8Array): void => {
        if (copy === undefined || copy.isDead) return;
        acks += 1;
        answer(ack);
      };
      copy?.intake.receive(gateway, bytes, heard, { way: copies });
    },
    clock,
    random,
    limits: { batchesInFlightMax: 32 },
  });
  forwarder = new Forwarder({ name: FORWARDER, gateway: GATEWAY, store, transport, clock, random, log: silentLog });
  forwarder.start();
}

/** Lets records come in and the sinks that are there write them. */
async function pass(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += EVERY_MS) {
    const observations = Array.from({ length: RECORDS_EACH }, (_, index) => ({
      station: `city-${index}`,
      kind: 'sample' as const,
      timestampMs: bench.clock.wallMs(),
      clock: 'synced' as const,
      metrics: { temperature: 20 + index },
      flags: {},
    }));
    await store.append(observations, { urgent: false });
    forwarder.notify();
    await bench.clock.advance(EVERY_MS);
    const end = bench.kafka.messages(LogBench.RECORDS)[LogBench.PARTITION]?.length ?? 0;
    for (const group of isAway ? GROUPS.slice(0, 1) : GROUPS) {
      bench.kafka.commit(group, LogBench.RECORDS, new Map([[LogBench.PARTITION, end]]));
    }
  }
}

const settled = (): number => countOf(store.settled(FORWARDER));
const unsettled = (): number => store.records.length - settled();

/** Everything, once, is stored where it is to be, and said to be by every copy that is there. */
async function mustEndWell(): Promise<void> {
  isAway = false;
  await pass(40_000);
  expect(unsettled()).toBeLessThanOrEqual(USUAL);
  const last = store.records.length;
  await bench.clock.advance(30_000);
  for (const { log, isDead } of copies) {
    if (!isDead) expect(log.standing(run, [[1, last - USUAL]])).toMatchObject({ held: [], rejected: [] });
  }
  const alive = copies.find(({ isDead }) => !isDead);
  expect(alive?.log.standing(run, [[1, last - USUAL]]).stored).toEqual([[1, last - USUAL]]);
  expect(forwarder.status().unknownAcks).toBe(0);
}

describe('while a store that decides is away for long', () => {
  beforeEach(async () => {
    await startCopy();
    await startCopy();
    startGateway();
    await pass(30_000);
    expect(unsettled()).toBeLessThanOrEqual(USUAL);
    isAway = true;
    await pass(10_000);
  });

  test.each([
    ['for good', false],
    ['and another starts', true],
  ])('a copy is killed %s: nothing is freed, and only what was on its way goes again', async (_, isBack) => {
    const before = settled();
    acks = 0;
    await pass(OUTAGE_MS / 2);
    await kill(copies[0] as Copy);
    if (isBack) await startCopy();
    await pass(OUTAGE_MS / 2);
    expect(settled()).toBe(before);
    expect(sent - store.records.length).toBeLessThanOrEqual(USUAL);
    expect(acks).toBeLessThanOrEqual(OUTAGE_MS / EVERY_MS + USUAL);
    await mustEndWell();
    expect(sent - store.records.length).toBeLessThanOrEqual(USUAL);
    expect(bench.produced().filter((times) => times > 1).length).toBeLessThanOrEqual(USUAL);
  });

  test('both copies start again: what was held stays so, and does not go again when the word of the others would end', async () => {
    const before = settled();
    await pass(OUTAGE_MS / 2);
    await Promise.all(copies.map((copy) => kill(copy)));
    await startCopy();
    await startCopy();
    await pass(OUTAGE_MS / 2);
    expect(settled()).toBe(before);
    expect(sent - store.records.length).toBeLessThanOrEqual(2 * USUAL);
    await mustEndWell();
    expect(sent - store.records.length).toBeLessThanOrEqual(2 * USUAL);
  });

  test('the gateway starts again: it sends what is not settled once, and nothing is produced again', async () => {
    const before = settled();
    await pass(OUTAGE_MS / 2);
    const waiting = unsettled();
    const stopping = forwarder.stop();
    await bench.clock.advance(5000);
    await stopping;
    startGateway();
    await pass(OUTAGE_MS / 2);
    expect(settled()).toBe(before);
    expect(sent - store.records.length).toBeLessThanOrEqual(waiting + USUAL);
    await mustEndWell();
    expect(sent - store.records.length).toBeLessThanOrEqual(waiting + USUAL);
    expect(new Set(bench.produced())).toEqual(new Set([1]));
  });
});
