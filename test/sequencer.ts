/** In which order the files run: long ones first, and those that wait spread over those that work. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One of several workers is to be with a file that waits, for the others to have the processors. */
const WORKERS = 3;
const OTHER_SECONDS = 1;

/** Of files that mostly wait for other programs, in seconds on two processors, roughly. */
const WAITS: Readonly<Record<string, number>> = {
  'test/conformance/kafka-client-kafkajs.test.ts': 74,
  'test/conformance/kafka-log.test.ts': 73,
  'test/conformance/kafka-client-platformatic.test.ts': 56,
  'test/cli/kafka.test.ts': 48,
  'test/conformance/mariadb-store.test.ts': 42,
  'test/integration/udp.test.ts': 33,
  'test/integration/sink-feed.test.ts': 45,
  'test/integration/ack-by-store.test.ts': 25,
  'test/integration/centre-kafka-broker.test.ts': 25,
  'test/conformance/influxdb-store.test.ts': 24,
  'test/kafka/broker.test.ts': 20,
  'test/conformance/remote-copies.test.ts': 17,
  'test/integration/gateway.test.ts': 15,
  'test/integration/gateway-alarms.test.ts': 14,
  'test/integration/gpio-guard.test.ts': 13,
  'test/integration/two-ways.test.ts': 12,
  'test/integration/foreign-mqtt.test.ts': 12,
  'test/integration/sink-feed-store.test.ts': 11,
};

/** Of those that work. */
const WORKS: Readonly<Record<string, number>> = {
  'test/package/pack.test.ts': 59,
  'protocol/fuzz.test.ts': 48,
  'test/integration/hostile.test.ts': 38,
  'test/cli/demo.test.ts': 36,
  'test/simulation/path.test.ts': 36,
  'test/cli/process.test.ts': 25,
  'daemon/store/kill.test.ts': 14,
  'daemon/store/sqlite-store.test.ts': 14,
  'protocol/udp/link.test.ts': 14,
  'test/seeds/seeds.test.ts': 13,
  'test/integration/fault-matrix.test.ts': 13,
  'daemon/forward/forwarder.test.ts': 12,
  'test/conformance/conformance.test.ts': 11,
  'cli/central-import.test.ts': 10,
  'bench/main.test.ts': 10,
  'test/config/mutations.test.ts': 9,
  'sim/station/city.test.ts': 9,
};

/** A file that neither list has is short; one that is gone from the tree does no harm there. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const groups = Map.groupBy(files, ({ project }) => project.config.sequence.groupOrder);
    return [...groups].sort(([a], [b]) => a - b).flatMap(([, group]) => spread(group));
  }
}

function spread(files: readonly TestSpecification[]): TestSpecification[] {
  const [waiting, working] = [[] as TestSpecification[], [] as TestSpecification[]];
  for (const file of files) (WAITS[nameOf(file)] === undefined ? working : waiting).push(file);
  const byLength = (a: TestSpecification, b: TestSpecification): number => secondsOf(b) - secondsOf(a);
  waiting.sort(byLength);
  // Those that share a process follow each other.
  working.sort((a, b) => byLength(a, b) || Number(b.project.config.isolate) - Number(a.project.config.isolate));
  const sorted: TestSpecification[] = [];
  let [waitedS, workedS] = [0, 0];
  while (waiting.length + working.length > 0) {
    const waits = waiting.length > 0 && (working.length === 0 || waitedS * (WORKERS - 1) <= workedS);
    const next = (waits ? waiting : working).shift() as TestSpecification;
    if (waits) waitedS += secondsOf(next);
    else workedS += secondsOf(next);
    sorted.push(next);
  }
  return sorted;
}

function secondsOf(file: TestSpecification): number {
  const name = nameOf(file);
  return WAITS[name] ?? WORKS[name] ?? OTHER_SECONDS;
}

function nameOf({ moduleId, project }: TestSpecification): string {
  return relative(project.vitest.config.root, moduleId);
}
