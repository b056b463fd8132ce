import { alarmLatency } from './alarm-latency/alarm-latency.ts';
import { append } from './append.ts';
import { batchBytes } from './batch-bytes.ts';
import { cpu } from './cpu.ts';
import { diskWrites } from './disk-writes.ts';
import { drain } from './drain.ts';
import { endToEnd } from './end-to-end.ts';
import type { Benchmark } from './figure.ts';
import { foreignFormats } from './foreign-formats.ts';
import { idle } from './idle.ts';
import { kafkaClients } from './kafka-clients.ts';
import { kafkaCopies } from './kafka-copies.ts';
import { kafkaDrain, kafkaEndToEnd } from './kafka-end-to-end.ts';
import { kafkaIngest } from './kafka-ingest.ts';
import { sensorJitter } from './sensor-jitter/sensor-jitter.ts';
import { sinkCopies } from './sink-copies.ts';
import { sinks, sinksEngines } from './sinks.ts';

/** In the order in which they run: first those that need no other program. */
export const BENCHMARKS: readonly Benchmark[] = [
  append,
  batchBytes,
  diskWrites,
  endToEnd,
  drain,
  idle,
  cpu,
  alarmLatency,
  sensorJitter,
  foreignFormats,
  kafkaClients,
  kafkaIngest,
  kafkaEndToEnd,
  kafkaDrain,
  kafkaCopies,
  sinkCopies,
  sinks,
  sinksEngines,
];
