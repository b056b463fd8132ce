import { z } from 'zod';
import { NAME_PATTERN } from '../../protocol/record.ts';
import { choice, duration, laterKeys, pattern } from '../../runtime/config/values.ts';
import { KAFKA_CLIENTS, type KafkaConfig } from './types.ts';

/** What stands for Kafka where sinks are named: in `ack`. No sink may have this name. */
export const KAFKA_NAME = 'kafka';

const BROKER = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4})$/;
const PARTITIONS_MAX = 1000;
const REPLICATION_MAX = 9;

/** Whether it is `HOST:PORT`, as a broker's clients write it. */
export function isBrokerAddress(text: string): boolean {
  return Number(BROKER.exec(text)?.[2] ?? Number.NaN) <= 65_535;
}

const brokerAddress = () =>
  z
    .string()
    .refine(isBrokerAddress, { error: 'is not the address of a broker' })
    .meta({ hint: 'Write host and port: 127.0.0.1:9092.', kind: 'address', pattern: BROKER.source });

/** `kafka`. */
export const kafkaSchema = z.strictObject({
  brokers: z
    .array(brokerAddress())
    .min(1)
    .describe('Brokers, `HOST:PORT` each; any of them tells of the others, so two or three are enough'),
  partitions: z
    .int()
    .min(1)
    .max(PARTITIONS_MAX)
    .prefault(6)
    .describe(
      'Of each topic, for ever: how many copies of a sink can share the work; every copy of the centre says the same',
    ),
  replication: z
    .int()
    .min(1)
    .max(REPLICATION_MAX)
    .prefault(1)
    .describe('On how many brokers each record is; from 3 up two of them must have a record before it counts'),
  prefix: pattern(
    NAME_PATTERN,
    'the beginning of a topic',
    'It has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.',
  )
    .prefault('mooring')
    .describe('Topics are `PREFIX.records`, `PREFIX.acks`, `PREFIX.deadletter`; the groups of sinks `PREFIX.SINK`'),
  retention: duration({ min: '1h', max: '36500d' })
    .prefault('30d')
    .meta({ hint: 'Write a number and its unit: 12h or 30d.' })
    .describe('How long a topic that is made here keeps its records: as long as a sink may be away'),
  client: choice(KAFKA_CLIENTS).prefault('kafkajs').describe('The package that speaks to the brokers'),
  ...laterKeys('ca', 'cert', 'key', 'user', 'password'),
});

type KafkaKeys = z.output<typeof kafkaSchema>;

export function kafkaOf({ client, brokers, partitions, replication, prefix, retention }: KafkaKeys): KafkaConfig {
  return { client, brokers, partitions, replication, prefix, retentionMs: retention };
}
