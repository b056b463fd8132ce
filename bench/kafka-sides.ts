import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { KafkaClientKind } from '../central/config/types.ts';
import { Intake } from '../central/ingest/intake.ts';
import type { KafkaClient, KafkaMessage, KafkaProducer } from '../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { KafkaRecordLog } from '../central/recordlog/kafka/kafka-recordlog.ts';
import { partitionOf } from '../central/recordlog/kafka/partitioner.ts';
import type { TopicsSpec } from '../central/recordlog/kafka/topics.ts';
import { decodeAck } from '../protocol/ack-codec.ts';
import { encodeBatch } from '../protocol/batch-codec.ts';
import { flatRecordOf } from '../protocol/flat-record.ts';
import { runIdOf, SALT_BYTES } from '../protocol/ids.ts';
import { countOf } from '../protocol/intervals.ts';
import { systemClock } from '../runtime/clock.ts';
import type { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom, systemRandom } from '../runtime/random.ts';
import { cityRecords } from './city-records.ts';
import { makeTopics, PARTITIONS, topicsOf } from './kafka-broker.ts';
import { type ByHand, byHand } from './kafka-by-hand.ts';
import { median } from './rounds.ts';

/** One turn of a side: what a record cost, and how many were durable in a second. */
export interface Turn {
  /** Processor time of this process, all threads, in seconds a record. */
  readonly cpuS: number;
  readonly perSecond: number;
}

const SEED = 7;
const GATEWAYS = 12;
const RECORDS_PER_BATCH = 60;
const BATCHES = 400;
const RECORDS = RECORDS_PER_BATCH * BATCHES;
const BATCHES_UNDER_WAY = 16;
const TOKEN_BYTES = 8;
const INTAKE_BYTES = 16 * 2 ** 20;
const READY_MS = 30_000;
/** As many as the record log may put into a send of one partition, which has 900 kB at most. */
const MESSAGES_PER_SEND_MAX = 2000;
const HAND_TURNS = 5;

const records = cityRecords(SEED, RECORDS);
const gatewayOf = (batch: number, gateways = GATEWAYS): string => `bench-${batch % gateways}`;
const batchNumbers = Array.from({ length: BATCHES }, (_, batch) => batch);
const recordsOf = (batch: number) => records.slice(batch * RECORDS_PER_BATCH, (batch + 1) * RECORDS_PER_BATCH);

/** What all sides are given. */
export const READY = {
  records: RECORDS,
  recordsPerBatch: RECORDS_PER_BATCH,
  gateways: GATEWAYS,
  batchesUnderWay: BATCHES_UNDER_WAY,
  values: (): string[] => batchNumbers.flatMap((batch) => valuesOf(batch, GATEWAYS)),
} as const;

function valuesOf(batch: number, gateways: number): string[] {
  const gateway = gatewayOf(batch, gateways);
  const run = runIdOf(gateway, new Uint8Array(SALT_BYTES));
  return recordsOf(batch).map((record) => {
    return JSON.stringify(flatRecordOf({ gateway, run, record, receivedAtMs: record.timestampMs }));
  });
}

export interface ReadyBatch {
  readonly gateway: string;
  readonly token: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The batches of all gateways, each a new run: none of it is a repeat of another seed's. */
export function readyBatches(seed: number): ReadyBatch[] {
  const random = new SeededRandom(seed);
  const salts = Array.from({ length: GATEWAYS }, () => random.bytes(SALT_BYTES));
  return batchNumbers.map((batch) => {
    const salt = salts[batch % GATEWAYS] as Uint8Array;
    const token = random.bytes(TOKEN_BYTES);
    return { gateway: gatewayOf(batch), token, bytes: encodeBatch({ salt, batch, token, records: recordsOf(batch) }) };
  });
}

/**
 * Records a second of so many gateways that kafkajs makes durable when it is called by hand, with sends as large as the
 * record log makes them at the most, into topics as a centre has them.
 */
export async function handRate(address: string, gateways: number): Promise<number> {
  const client = await createKafkaClient('kafkajs', {
    brokers: [address],
    clientId: 'bench',
    clock: systemClock,
    log: silentLog,
  });
  const topics = topicsOf('hand', address);
  await makeTopics(client, topics);
  const hand = await HandSide.open('kafkajs', address, topics.names.records, () => MESSAGES_PER_SEND_MAX, gateways);
  try {
    const rates: number[] = [];
    for (let turn = 0; turn <= HAND_TURNS; turn += 1) rates.push((await hand.turn()).perSecond);
    return median(rates.slice(1));
  } finally {
    await hand.close();
  }
}

export function mediansOf(turns: readonly Turn[]): Turn {
  return { cpuS: median(turns.map(({ cpuS }) => cpuS)), perSecond: median(turns.map(({ perSecond }) => perSecond)) };
}

/** Batches through the intake into the record log of one client. */
export class IngestSide {
  readonly #recordLog: KafkaRecordLog;
  readonly #intake: Intake;
  readonly #sent: { readonly sends: number; readonly messages: number };
  #turn = 0;

  private constructor(recordLog: KafkaRecordLog, sent: { readonly sends: number; readonly messages: number }) {
    this.#recordLog = recordLog;
    this.#sent = sent;
    this.#intake = new Intake({
      recordLog,
      ledger: recordLog,
      deadLetters: recordLog.deadLetters,
      clock: systemClock,
      log: silentLog,
      bytesMax: INTAKE_BYTES,
    });
  }

  /** Resolves when a first turn has gone through. */
  static async open(client: KafkaClient, topics: TopicsSpec, stateDir: string): Promise<IngestSide> {
    mkdirSync(stateDir, { recursive: true });
    const fatal = (error: MooringError): never => {
      throw error;
    };
    const sent = { sends: 0, messages: 0 };
    const recordLog = new KafkaRecordLog({
      client: counted(client, sent),
      topics,
      prefix: client.kind,
      ack: 'log',
      stateDir,
      letterFiles: { append: () => Promise.reject(new Error('no record is refused')) },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      onFatal: fatal,
    });
    await recordLog.open(AbortSignal.timeout(READY_MS));
    return new IngestSide(recordLog, sent);
  }

  /** Of records and of acknowledgements, on average. */
  get messagesPerSend(): number {
    return this.#sent.messages / this.#sent.sends;
  }

  async turn(): Promise<Turn> {
    this.#turn += 1;
    const batches = readyBatches(this.#turn);
    return await measured(async () => {
      const left = batches.values();
      const sendRest = async (): Promise<void> => {
        for (const { gateway, bytes } of left) await this.#stored(gateway, bytes);
      };
      await Promise.all(Array.from({ length: BATCHES_UNDER_WAY }, sendRest));
    });
  }

  async close(): Promise<void> {
    await this.#intake.close();
    await this.#recordLog.close();
  }

  async #stored(gateway: string, bytes: Uint8Array): Promise<void> {
    const ack = decodeAck(await new Promise<Uint8Array>((resolve) => this.#intake.receive(gateway, bytes, resolve)));
    assert.equal(countOf(ack.stored ?? []), RECORDS_PER_BATCH, 'the whole batch is stored');
  }
}

/** The same messages, ready made, through the client alone. */
export class HandSide {
  readonly #hand: ByHand;
  readonly #topic: string;
  readonly #messagesPerSend: () => number;
  readonly #gateways: number;

  private constructor(hand: ByHand, topic: string, messagesPerSend: () => number, gateways: number) {
    this.#hand = hand;
    this.#topic = topic;
    this.#messagesPerSend = messagesPerSend;
    this.#gateways = gateways;
  }

  static async open(
    kind: KafkaClientKind,
    address: string,
    topic: string,
    messagesPerSend: () => number,
    gateways: number = GATEWAYS,
  ): Promise<HandSide> {
    return new HandSide(await byHand(kind, address), topic, messagesPerSend, gateways);
  }

  async turn(): Promise<Turn> {
    const messages = batchNumbers.flatMap((batch): KafkaMessage[] => {
      const key = gatewayOf(batch, this.#gateways);
      const partition = partitionOf(key, PARTITIONS);
      return valuesOf(batch, this.#gateways).map((value) => ({ topic: this.#topic, partition, key, value }));
    });
    const count = Math.round(this.#messagesPerSend());
    const sends: (() => Promise<void>)[] = [];
    for (let from = 0; from < messages.length; from += count) {
      sends.push(this.#hand.prepare(messages.slice(from, from + count)));
    }
    return await measured(async () => {
      for (const send of sends) await send();
    });
  }

  async close(): Promise<void> {
    await this.#hand.close();
  }
}

async function measured(work: () => Promise<void>): Promise<Turn> {
  const finish = begin();
  await work();
  return finish(RECORDS);
}

/** Begins to measure this process; what it returns ends it, after so many records. */
export function begin(): (records: number) => Turn {
  const [startMs, before] = [systemClock.monotonicMs(), process.cpuUsage()];
  return (count) => {
    const { user, system } = process.cpuUsage(before);
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    return { cpuS: (user + system) / 1e6 / count, perSecond: count / seconds };
  };
}

/** The client, and how much goes through it. */
function counted(client: KafkaClient, sent: { sends: number; messages: number }): KafkaClient {
  return {
    kind: client.kind,
    sendsAtOnce: client.sendsAtOnce,
    createAdmin: () => client.createAdmin(),
    createConsumer: (options) => client.createConsumer(options),
    async createProducer(): Promise<KafkaProducer> {
      const producer = await client.createProducer();
      return {
        async send(messages) {
          sent.sends += 1;
          sent.messages += messages.length;
          return await producer.send(messages);
        },
        close: () => producer.close(),
      };
    },
  };
}
