import { Consumer, MessagesStreamModes } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { KAFKA_CLIENTS, type KafkaClientKind } from '../central/config/types.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { Programs } from '../test/processes.ts';
import type { Benchmark, Figure } from './figure.ts';
import { makeTopics, startKafka, topicsOf } from './kafka-broker.ts';
import { begin, HandSide, mediansOf, READY, type Turn } from './kafka-sides.ts';
import { turnsOf } from './rounds.ts';

const TURNS = 10;
const MESSAGES_PER_SEND = 300;
/** Many fetches of either package. */
const CONSUMED_PARTS = 10;
const CONSUMED = CONSUMED_PARTS * READY.records;
const CONSUMED_TURNS = 5;
const PER = 100_000;
/** Of one fetch, in milliseconds. */
const WAIT_MS = 500;

/** The two packages beside each other, with nothing of ours around them. */
export const kafkaClients: Benchmark = {
  name: 'kafka-clients',
  about: [
    `@platformatic/kafka, called by hand; limit: kafkajs in turn with it, by the median of ${TURNS} turns. Produced: ${READY.records} records as`,
    `ready-made JSON, ${MESSAGES_PER_SEND} a send, acks=all, idempotent, one send at a time. Consumed: ${CONSUMED} of them, from the first message to`,
    'the last, by a group of one, as the package hands messages on.',
  ],
  async run({ folder, say }) {
    const programs = new Programs();
    const hands: HandSide[] = [];
    try {
      const { address } = await startKafka(folder, programs);
      const shared = { brokers: [address], clientId: 'bench', clock: systemClock, log: silentLog };
      const admin = await createKafkaClient('kafkajs', shared);
      const [written, read] = [topicsOf('written', address), topicsOf('read', address)];
      for (const topics of [written, read]) await makeTopics(admin, topics);
      for (const kind of KAFKA_CLIENTS) {
        hands.push(await HandSide.open(kind, address, written.names.records, () => MESSAGES_PER_SEND));
      }
      say('producing in turn');
      const produced = (
        await turnsOf(
          TURNS,
          hands.map((hand) => () => hand.turn()),
        )
      ).map(mediansOf);
      const filling = await HandSide.open('platformatic', address, read.names.records, () => MESSAGES_PER_SEND);
      for (let part = 0; part < CONSUMED_PARTS; part += 1) await filling.turn();
      await filling.close();
      say('consuming in turn');
      const sides = KAFKA_CLIENTS.map((kind) => () => consumed(kind, address, read.names.records));
      const consumedTurns = (await turnsOf(CONSUMED_TURNS, sides)).map(mediansOf);
      return [...figuresOf('produce', produced), ...figuresOf('consume', consumedTurns)];
    } finally {
      await Promise.all(hands.map((hand) => hand.close()));
      await programs.end();
    }
  },
};

function figuresOf(what: string, turns: readonly Turn[]): Figure[] {
  const [limit, value] = turns as [Turn, Turn];
  return [
    { name: `kafka-clients/${what}-cpu`, value: value.cpuS * PER, unit: 's/100k records', limit: limit.cpuS * PER },
    { name: `kafka-clients/${what}-rate`, value: value.perSecond, unit: 'records/s', limit: limit.perSecond },
  ];
}

let groups = 0;

/** Reads a topic whole, from the first message that comes; joining its group is not measured. */
async function consumed(kind: KafkaClientKind, address: string, topic: string): Promise<Turn> {
  groups += 1;
  const read = { address, topic, group: `bench-${groups}` };
  return kind === 'kafkajs' ? await consumedByKafkaJs(read) : await consumedByPlatformatic(read);
}

interface Read {
  readonly address: string;
  readonly topic: string;
  readonly group: string;
}

async function consumedByKafkaJs({ address, topic, group }: Read): Promise<Turn> {
  const kafka = new kafkajs.Kafka({ brokers: [address], clientId: 'by-hand', logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: WAIT_MS });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const progress = new Progress();
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      for (const { value } of batch.messages) progress.take(value);
      return Promise.resolve();
    },
  });
  const turn = await progress.measured();
  await consumer.disconnect();
  return turn;
}

async function consumedByPlatformatic({ address, topic, group }: Read): Promise<Turn> {
  const consumer = new Consumer({
    groupId: group,
    clientId: 'by-hand',
    bootstrapBrokers: [address],
    maxWaitTime: WAIT_MS,
  });
  const progress = new Progress();
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false });
  stream.on('data', ({ value }) => progress.take(value));
  const turn = await progress.measured();
  await stream.close();
  await consumer.close();
  return turn;
}

/** From the first message of a topic to the last; what the first fetch has cost until then is not in it. */
class Progress {
  readonly #turn = Promise.withResolvers<Turn>();
  #finish: (records: number) => Turn = () => NOTHING;
  #count = 0;

  take(value: Uint8Array | null | undefined): void {
    if (value === null || value === undefined) throw new Error('every message has its record');
    if (this.#count === 0) this.#finish = begin();
    this.#count += 1;
    if (this.#count === CONSUMED) this.#turn.resolve(this.#finish(CONSUMED));
  }

  measured(): Promise<Turn> {
    return this.#turn.promise;
  }
}

const NOTHING: Turn = { cpuS: 0, perSecond: 0 };
