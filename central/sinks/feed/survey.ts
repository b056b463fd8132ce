import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, LogSpan } from '../../recordlog/kafka/client.ts';

/** A topic as it is now. */
export interface Survey {
  readonly clusterId: string;
  /** Cluster id and topic, as positions name it. */
  readonly logName: string;
  /** By partition; undefined where there is no such topic. */
  readonly spans: readonly LogSpan[] | undefined;
}

/**
 * Looks at a topic. Throws `LOG_FAILED`, or `LOG_UNFIT` where it has another number of partitions than the configuration
 * says: then records of one gateway could stand in two of them.
 */
export async function survey(admin: KafkaAdmin, topic: string, partitions: number): Promise<Survey> {
  const clusterId = await admin.clusterId();
  const logName = `${clusterId}/${topic}`;
  const found = await admin.describeTopic(topic);
  if (found === undefined) return { clusterId, logName, spans: undefined };
  if (found.partitions !== partitions) {
    throw new MooringError('LOG_UNFIT', 'a topic has another number of partitions than the configuration says', {
      context: { topic, partitions: found.partitions, configured: partitions },
      hint: 'The number never changes. Set `kafka.partitions` to what the topic has.',
    });
  }
  return { clusterId, logName, spans: await admin.offsets(topic) };
}
