import { readCentralConfig } from '../central/config/config.ts';
import { readGatewayConfig } from '../daemon/config/read.ts';
import { DRIVERS } from '../drivers/index.ts';
import { formatProblem, type Problem, problemsOf } from '../runtime/config/problem.ts';
import { ConfigReader } from '../runtime/config/reader.ts';
import { didYouMean } from '../runtime/config/suggest.ts';
import { MooringError } from '../runtime/errors.ts';
import { absentHere } from './check/absent.ts';
import { kindsOf } from './config-kind.ts';

/** What is told about a configuration that is right. */
interface Summary {
  readonly kind: 'gateway' | 'central';
  /** The gateway's name; a centre has none. */
  readonly name: string | null;
  readonly stations: number;
  readonly sensors: number;
  readonly forwarders: number;
  readonly sinks: number;
  /** The ways into a centre: `mqtt`, `udp`; a gateway has none. */
  readonly ingest: readonly string[];
  /** Whether a centre has Kafka between ingest and sinks. */
  readonly kafka: boolean;
}

interface Checked {
  /** Null where there are problems. */
  readonly summary: Summary | null;
  readonly problems: readonly Problem[];
  /** What it names and this machine has not. */
  readonly notes: readonly Problem[];
}

/**
 * `mooring check FILE`: reads a configuration of either kind and prints every error in it, or one line that says what it
 * is, and a note for everything it names that is not on this machine. Returns the exit status: 0 when it is right, 2 when
 * it is not.
 */
export function runCheck(
  path: string,
  { json }: { readonly json: boolean },
  out: { write(text: string): unknown },
): number {
  const { summary, problems, notes } = check(path);
  if (json) out.write(`${JSON.stringify({ ok: summary !== null, file: path, summary, problems, notes })}\n`);
  else if (summary === null) for (const problem of problems) out.write(`${formatProblem(problem)}\n`);
  else out.write([`${path}: ok (${inWords(summary)})\n`, ...notes.map(noteLine)].join(''));
  return summary === null ? 2 : 0;
}

function noteLine(note: Problem): string {
  return `note: ${formatProblem(note)}\n`;
}

function check(path: string): Checked {
  try {
    const reader = new ConfigReader(path);
    return { summary: summaryOf(reader), problems: [], notes: absentHere(reader) };
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    if (error.code === 'CONFIG_INVALID') return { summary: null, problems: problemsOf(error), notes: [] };
    if (error.code !== 'CONFIG_UNREADABLE') throw error;
    const message = `${error.message} (${String(error.context.reason)})`;
    return {
      summary: null,
      problems: [{ file: path, line: 0, column: 0, key: '(file)', message, hint: error.hint ?? '' }],
      notes: [],
    };
  }
}

function summaryOf(reader: ConfigReader): Summary {
  const { isGateway, isCentral } = kindsOf(reader);
  if (isGateway && isCentral) {
    reader.report([], 'value', "is a gateway's and a centre's configuration at once", 'Make two files of it.');
  } else if (!isGateway && !isCentral) {
    const meant = Object.keys(reader.data).map((key) => didYouMean(key, ['gateway', 'stations', 'ingest', 'sinks']));
    const hint = 'A gateway has `gateway` and `stations`, a centre `ingest` and `sinks`.';
    reader.report(
      [],
      'value',
      "is neither a gateway's nor a centre's configuration",
      [...meant.filter((text) => text !== ''), hint].join(' '),
    );
  }
  reader.throwIfInvalid();
  if (isGateway) {
    const { gateway, stations, forward } = readGatewayConfig(reader, DRIVERS);
    const sensors = stations.reduce((count, station) => count + station.sensors.length, 0);
    const counts = { stations: stations.length, sensors, forwarders: forward.length, sinks: 0 };
    return { kind: 'gateway', name: gateway, ...counts, ingest: [], kafka: false };
  }
  const { ingest, kafka, sinks } = readCentralConfig(reader);
  const ways = (['mqtt', 'udp'] as const).filter((way) => ingest[way] !== undefined);
  const counts = { stations: 0, sensors: 0, forwarders: 0, sinks: sinks.length };
  return { kind: 'central', name: null, ...counts, ingest: ways, kafka: kafka !== undefined };
}

function inWords(summary: Summary): string {
  const { kind, name, stations, sensors, forwarders } = summary;
  if (kind === 'central') return `centre: ${pathInWords(summary)}`;
  const parts = [counted(stations, 'station'), counted(sensors, 'sensor'), counted(forwarders, 'forwarder')];
  return `gateway ${name}: ${parts.join(', ')}`;
}

/** The way of a record through a centre: `over mqtt and udp through kafka to 2 sinks`. */
function pathInWords({ ingest, kafka, sinks }: Summary): string {
  const parts = [
    ...(ingest.length === 0 ? [] : [`over ${ingest.join(' and ')}`]),
    ...(kafka ? [sinks === 0 ? 'to kafka' : `${ingest.length === 0 ? 'from' : 'through'} kafka`] : []),
    ...(sinks === 0 ? [] : [`to ${counted(sinks, 'sink')}`]),
  ];
  return parts.join(' ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
