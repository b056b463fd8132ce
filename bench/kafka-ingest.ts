import assert from 'node:assert/strict';
import { join } from 'node:path';
import { KAFKA_CLIENTS, type KafkaClientKind } from '../central/config/types.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { Programs } from '../test/processes.ts';
import type { Benchmark, Figure } from './figure.ts';
import { makeTopics, startKafka, topicsOf } from './kafka-broker.ts';
import { HandSide, IngestSide, mediansOf, READY, type Turn } from './kafka-sides.ts';
import { producerPerformanceRate } from './producer-performance.ts';
import { turnsOf } from './rounds.ts';

const TURNS = 10;
const JAVA_RECORDS = 200_000;
const PER = 100_000;

/** What it costs to take batches in and make them durable in Kafka. */
export const kafkaIngest: Benchmark = {
  name: 'kafka-ingest',
  about: [
    `Encoded batches of ${READY.recordsPerBatch} nine-metric records of ${READY.gateways} gateways → intake → record log → a real Kafka → acks, ${READY.batchesUnderWay} batches under way`,
    'at a time: processor seconds of this process (user and system, all threads) per 100 000 records, and records a second,',
    `by the median of ${TURNS} turns. Limit: the same client called by hand, in turn with it: the same messages, ready made,`,
    'as many a send, idempotent, acks=all, one send at a time; no batch, no record, no ack. to-java: the limit is what Kafka’s',
    'own ProducerPerformance makes durable a second, into a topic with the same settings.',
  ],
  async run({ folder, say }) {
    const programs = new Programs();
    const ingests: IngestSide[] = [];
    const hands: HandSide[] = [];
    try {
      const { address } = await startKafka(folder, programs);
      for (const kind of KAFKA_CLIENTS) {
        const client = await createKafkaClient(kind, {
          brokers: [address],
          clientId: 'bench',
          clock: systemClock,
          log: silentLog,
        });
        const byHand = topicsOf(`hand-${kind}`, address);
        await makeTopics(client, byHand);
        const ingest = await IngestSide.open(client, topicsOf(kind, address), join(folder, kind));
        ingests.push(ingest);
        hands.push(await HandSide.open(kind, address, byHand.names.records, () => ingest.messagesPerSend));
      }
      say('measuring both clients in turn');
      const sides = [...ingests, ...hands].map((side) => () => side.turn());
      const turns = (await turnsOf(TURNS, sides)).map(mediansOf);
      say('measuring ProducerPerformance');
      const topic = topicsOf('hand-kafkajs', address).names.records;
      const java = await producerPerformanceRate({
        folder,
        address,
        topic,
        values: READY.values(),
        records: JAVA_RECORDS,
      });
      return KAFKA_CLIENTS.flatMap((kind, index) => {
        const [ours, limit] = [turns[index], turns[index + KAFKA_CLIENTS.length]];
        assert(ours !== undefined && limit !== undefined, 'every side had its turns');
        say(`${kind}: ${Math.round(ingests[index]?.messagesPerSend ?? 0)} messages a send`);
        return figuresOf(kind, ours, limit, java);
      });
    } finally {
      await Promise.all([...ingests, ...hands].map((side) => side.close()));
      await programs.end();
    }
  },
};

function figuresOf(kind: KafkaClientKind, ours: Turn, limit: Turn, java: number): Figure[] {
  const name = (what: string): string => `kafka-ingest/${kind}-${what}`;
  const [cpu, rate] = ['s/100k records', 'records/s'];
  return [
    {
      name: name('cpu'),
      value: ours.cpuS * PER,
      unit: cpu,
      limit: limit.cpuS * PER,
      goal: { atMost: 1.7 },
    },
    { name: name('rate'), value: ours.perSecond, unit: rate, limit: limit.perSecond },
    { name: name('rate-to-java'), value: ours.perSecond, unit: rate, limit: java },
  ];
}
