import { join } from 'node:path';
import type { KafkaClient } from '../central/recordlog/kafka/client.ts';
import { openTopics, type TopicsSpec, topicNamesOf } from '../central/recordlog/kafka/topics.ts';
import { KafkaBroker } from '../test/kafka/broker.ts';
import type { Programs } from '../test/processes.ts';

/** As the configuration has it when nothing is said. */
export const PARTITIONS = 6;
const RETENTION_MS = 30 * 86_400_000;
/** With the compiler and the collector that it has by itself: a broker that is measured is not one that starts cheaply. */
const JAVA = ['-Xms512m', '-Xmx1g'] as const;

/** A real Kafka for figures, running. Throws, with what Maven said, where its jars cannot be had. */
export async function startKafka(folder: string, programs: Programs): Promise<KafkaBroker> {
  const broker = await KafkaBroker.prepare({ folder: join(folder, 'kafka'), programs, java: JAVA });
  await broker.start();
  return broker;
}

/** Topics as a centre with this prefix has them. */
export function topicsOf(prefix: string, address: string): TopicsSpec {
  return {
    names: topicNamesOf(prefix),
    partitions: PARTITIONS,
    replication: 1,
    retentionMs: RETENTION_MS,
    brokers: [address],
  };
}

/** Makes the topics of a prefix, so that whoever writes there finds what a centre would. */
export async function makeTopics(client: KafkaClient, topics: TopicsSpec): Promise<void> {
  const admin = client.createAdmin();
  try {
    await openTopics(admin, topics);
  } finally {
    await admin.close();
  }
}
