import { ProduceAcks, Producer } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import type { KafkaClientKind } from '../central/config/types.ts';
import type { KafkaMessage } from '../central/recordlog/kafka/client.ts';

/** A producer of one of the packages with nothing around it: idempotent, `acks=all`, one send under way at a time. */
export interface ByHand {
  /** Puts messages into the package's own words, whatever of them is cheapest for it. What it returns sends them. */
  prepare(messages: readonly KafkaMessage[]): () => Promise<void>;
  close(): Promise<void>;
}

const ACKS_ALL = -1;
const CLIENT_ID = 'by-hand';

/** Connected. */
export async function byHand(kind: KafkaClientKind, address: string): Promise<ByHand> {
  return kind === 'kafkajs' ? await kafkaJsByHand(address) : await platformaticByHand(address);
}

async function kafkaJsByHand(address: string): Promise<ByHand> {
  const kafka = new kafkajs.Kafka({ brokers: [address], clientId: CLIENT_ID, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition as number,
  });
  await producer.connect();
  return {
    // Texts cost it less than bytes.
    prepare(messages) {
      const topic = messages[0]?.topic as string;
      const ready = messages.map(({ partition, key, value }) => ({ partition, key, value }));
      return async () => void (await producer.send({ acks: ACKS_ALL, topic, messages: ready }));
    },
    close: () => producer.disconnect(),
  };
}

async function platformaticByHand(address: string): Promise<ByHand> {
  const acks = ProduceAcks.ALL;
  const producer = new Producer({ bootstrapBrokers: [address], clientId: CLIENT_ID, idempotent: true, acks });
  await producer.initIdempotentProducer({});
  return {
    prepare(messages) {
      const ready = messages.map(({ topic, partition, key, value }) => {
        return { topic, partition, key: Buffer.from(key), value: Buffer.from(value) };
      });
      return async () => void (await producer.send({ acks, messages: ready }));
    },
    close: async () => {
      await producer.close();
    },
  };
}
