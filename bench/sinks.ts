import type { Benchmark } from './figure.ts';
import { cassandra } from './sinks/cassandra.ts';
import { files } from './sinks/files.ts';
import { hbase } from './sinks/hbase.ts';
import { hdfs } from './sinks/hdfs.ts';
import { influxdb } from './sinks/influxdb.ts';
import { mariadb } from './sinks/mariadb.ts';
import { opensearch } from './sinks/opensearch.ts';
import { postgres } from './sinks/postgres.ts';
import { figureOf, type SinkBench } from './sinks/sink-bench.ts';

const ABOUT = [
  'What a sink writes, one write at a time, against the same client called by hand: the same bytes, made from the same',
  'records, in the same batches, as many requests at once and as durable. The best of three sizes of a batch for each; the turns alternate.',
];

function benchmarkOf(name: string, sinks: readonly SinkBench[]): Omit<Benchmark, 'isOnRequest'> {
  return {
    name,
    about: ABOUT,
    parts: sinks.map((sink) => sink.name),
    async run({ folder, parts, say }) {
      const figures = [];
      for (const sink of sinks) if (parts.includes(sink.name)) figures.push(await figureOf(sink, folder, say));
      return figures;
    },
  };
}

/** What needs no JVM. */
export const sinks: Benchmark = benchmarkOf('sinks', [files, influxdb, mariadb]);

/** One engine after the other; each starts as the tests have it. */
export const sinksEngines: Benchmark = {
  ...benchmarkOf('sinks-engines', [postgres, opensearch, cassandra, hbase, hdfs]),
  isOnRequest: true,
};
