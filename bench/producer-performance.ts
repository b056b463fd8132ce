import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jarsFolder } from '../test/kafka/jars.ts';
import { runTool } from '../test/processes.ts';

export interface ProducerPerformanceOptions {
  readonly folder: string;
  /** `HOST:PORT`. */
  readonly address: string;
  readonly topic: string;
  /** What it chooses from at random. */
  readonly values: readonly string[];
  readonly records: number;
}

/** Before those that count: the virtual machine has compiled itself by then. */
const WARM_UP_PART = 1 / 4;
/** As large as those that the record log sends. */
const BATCH_BYTES = 900_000;

/**
 * Records a second that Kafka's own tool for that makes durable (org.apache.kafka.tools.ProducerPerformance): idempotent,
 * `acks=all`, as fast as it goes, with batches that are allowed to become as large as ours.
 */
export async function producerPerformanceRate(options: ProducerPerformanceOptions): Promise<number> {
  const { folder, address, topic, values, records } = options;
  const payloads = join(folder, 'payloads.txt');
  writeFileSync(payloads, `${values.join('\n')}\n`);
  const warmUps = Math.round(records * WARM_UP_PART);
  const said = await runTool('java', [
    ...['-cp', join(jarsFolder(), '*'), 'org.apache.kafka.tools.ProducerPerformance'],
    ...['--bootstrap-server', address, '--topic', topic, '--payload-file', payloads, '--throughput', '-1'],
    ...['--num-records', String(records + warmUps), '--warmup-records', String(warmUps)],
    ...['--command-property', 'acks=all', 'enable.idempotence=true', `batch.size=${BATCH_BYTES}`],
  ]);
  const rates = [...said.matchAll(/ records sent, ([\d.]+) records\/sec/g)];
  const rate = Number(rates.at(-1)?.[1]);
  assert(rate > 0, `ProducerPerformance says its rate:\n${said}`);
  return rate;
}
