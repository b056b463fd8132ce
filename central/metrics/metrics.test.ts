import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeAck } from '../../protocol/ack-codec.ts';
import type { RunId } from '../../protocol/ids.ts';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import { LogLines } from '../../test/log-lines.ts';
import type { CentreStatus } from '../app.ts';
import type { FlatRecord, LogRecord } from '../recordlog/recordlog.ts';
import { Metrics, type MetricsOptions } from './metrics.ts';

const RUN = runIdOf('plaka', saltOf(1));
const LATER_RUN = runIdOf('plaka', saltOf(2));

let folder: string;
let clock: SteppedClock;
let log: LogLines;
let metrics: Metrics;
let status: CentreStatus;
let elsewhere: ReadonlySet<number>;

function make(options: Partial<MetricsOptions['config']['metrics']> = {}): Metrics {
  metrics = new Metrics({
    config: {
      stateDir: folder,
      ack: ['sql'],
      ingest: { mqtt: undefined, udp: undefined, intakeBytesMax: 0 },
      metrics: { listen: { host: '127.0.0.1', port: 0 }, tokenFile: undefined, gatewaysFile: undefined, ...options },
    },
    status: () => status,
    isAcknowledged: (run, sequence) => run === RUN && elsewhere.has(sequence),
    failed: new AbortController().signal,
    clock,
    log,
  });
  return metrics;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-metrics-'));
  clock = new SteppedClock();
  log = new LogLines();
  elsewhere = new Set();
  status = {
    state: 'running',
    ingest: [{ mode: 'client', url: 'mqtt://127.0.0.1:1', isConnected: true, acksDropped: 3 }],
    intake: {
      batches: 7,
      stored: 40,
      held: 2,
      duplicates: 5,
      rejected: 1,
      busy: 0,
      unreadable: 0,
      notABatch: 0,
      bytesWaiting: 12,
      isLogFailing: false,
      isDeadLetterFailing: false,
    },
    jobs: [],
    sinks: [],
  };
  make();
});
afterEach(async () => {
  await metrics.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A series' value as Prometheus would read it; undefined where it is not there. */
async function figure(series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

function nowSeconds(): number {
  return clock.wallMs() / 1000;
}

interface Given {
  readonly run?: RunId;
  readonly kind?: string;
  readonly station?: string;
  readonly clock?: string;
  readonly info?: object;
}

function recordOf(sequence: number, { run = RUN, ...given }: Given = {}): LogRecord {
  const flat: FlatRecord = {
    id: recordIdOf(run, sequence),
    gateway: 'plaka',
    station: 'city-1',
    kind: 'sample',
    timestamp: new Date(Date.UTC(2026, 0, 1) + sequence * 10_000).toISOString(),
    clock: 'synced',
    ...(given as Partial<FlatRecord>),
  };
  return { sequence, flat };
}

function took(sequences: readonly number[], given: Given = {}): void {
  const { run = RUN } = given;
  metrics.took({ gateway: 'plaka', run, records: sequences.map((sequence) => recordOf(sequence, given)) });
}

test('what the parts of the centre count is there, and dead letters begin at 0', async () => {
  expect(await figure('mooring_centre_records_stored_total')).toBe(40);
  expect(await figure('mooring_centre_records_duplicate_total')).toBe(5);
  expect(await figure('mooring_centre_records_held')).toBe(2);
  expect(await figure('mooring_centre_ingest_acks_dropped_total{way="client"}')).toBe(3);
  expect(await figure('mooring_centre_dead_letters_total{code="metric_type"}')).toBe(0);
  expect(await figure('mooring_centre_dead_letters_total{code="sink:sql"}')).toBe(0);
  // A second scrape does not add up.
  expect(await figure('mooring_centre_records_stored_total')).toBe(40);
});

test('a batch is timed to its first answer, and its bytes are those of its gateway', async () => {
  let answer: ((ack: Uint8Array) => void) | undefined;
  const acks: Uint8Array[] = [];
  const intake = metrics.timed({ receive: (_gateway, _bytes, say) => (answer = say) });
  intake.receive('plaka', new Uint8Array(300), (ack) => acks.push(ack));
  expect(await figure('mooring_centre_gateway_received_bytes_total{gateway="plaka"}')).toBeUndefined();
  clock.stall(200);
  const address = { salt: saltOf(1), batch: 1, token: tokenOf(1) };
  answer?.(encodeAck({ ...address, held: { ranges: [[1, 2]], seconds: 600 } }));
  clock.stall(60_000);
  answer?.(encodeAck({ ...address, stored: [[1, 2]] }));
  answer?.(encodeAck({ ...address, rejected: [{ code: 'metric_type', ranges: [[3, 5]] }] }));
  expect(acks.length).toBe(3);
  expect(await figure('mooring_centre_ack_latency_seconds_bucket{le="0.25",answer="held"}')).toBe(1);
  expect(await figure('mooring_centre_ack_latency_seconds_bucket{le="0.1",answer="held"}')).toBe(0);
  expect(await figure('mooring_centre_ack_latency_seconds_count{answer="stored"}')).toBe(0);
  expect(await figure('mooring_centre_gateway_received_bytes_total{gateway="plaka"}')).toBe(300);
  expect(await figure('mooring_centre_dead_letters_total{code="metric_type"}')).toBe(3);
});

test('the cadence is the shortest of the stations, and a gap in between does not change it', async () => {
  took([1, 2, 3, 4]);
  expect(await figure('mooring_centre_gateway_cadence_seconds{gateway="plaka"}')).toBe(10);
  took([6, 12, 18, 24, 30], { station: 'slow' });
  took([100, 101]);
  expect(await figure('mooring_centre_gateway_cadence_seconds{gateway="plaka"}')).toBe(10);
  expect(await figure('mooring_centre_gateway_records_total{gateway="plaka"}')).toBe(11);
});

test('the backlog is what is missing between the records that are here, without what was declared or is elsewhere', async () => {
  took([1, 2, 10]);
  const backlog = () => figure('mooring_centre_gateway_backlog_records{gateway="plaka"}');
  metrics.heard('plaka', 1);
  expect(await backlog()).toBe(7);
  elsewhere = new Set([3]);
  expect(await backlog()).toBe(6);
  took([11], { kind: 'gap', station: '_gateway', info: { run: RUN, ranges: [[4, 6]], count: 3, reason: 'dropped' } });
  expect(await backlog()).toBe(3);
  expect(await figure('mooring_centre_gateway_gap_records_total{gateway="plaka",reason="dropped"}')).toBe(3);
  expect(await figure('mooring_centre_gateway_gap_timestamp_seconds{gateway="plaka"}')).toBe(nowSeconds());
  took([7, 8, 9]);
  expect(await backlog()).toBe(0);
});

test('the clock is judged by the newest record, whatever an old backlog says of it', async () => {
  took([1, 2], { clock: 'unsynced' });
  const startSeconds = nowSeconds();
  await clock.advance(60_000);
  took([1], { run: LATER_RUN, kind: 'event', info: { event: 'boot', previous: recordIdOf(RUN, 900) } });
  took([2], { run: LATER_RUN });
  took([3, 4], { clock: 'unsynced' });
  expect(await figure('mooring_centre_gateway_unsynced_timestamp_seconds{gateway="plaka"}')).toBe(startSeconds);
  expect(await figure('mooring_centre_gateway_synced_timestamp_seconds{gateway="plaka"}')).toBe(nowSeconds());
});

const ALARM = '{gateway="plaka",station="city-1",alarm="hot",level="critical"}';

function alarm(sequence: number, event: string): void {
  took([sequence], { kind: 'alarm', info: { event, alarm: 'hot', level: 'critical' } });
}

async function alarmStands(): Promise<boolean> {
  const raised = await figure(`mooring_centre_alarm_raised_timestamp_seconds${ALARM}`);
  const cleared = await figure(`mooring_centre_alarm_cleared_timestamp_seconds${ALARM}`);
  return (raised as number) > (cleared as number);
}

test('an alarm stands until it is cleared, also where an older record comes after that', async () => {
  alarm(5, 'raised');
  expect(await alarmStands()).toBe(true);
  alarm(6, 'acknowledged');
  expect(await alarmStands()).toBe(true);
  alarm(9, 'cleared');
  expect(await alarmStands()).toBe(false);
  alarm(5, 'raised');
  expect(await alarmStands()).toBe(false);
  alarm(12, 'raised');
  expect(await alarmStands()).toBe(true);
});

test('what stands, and when a gateway was heard, outlives the process', async () => {
  await metrics.restore();
  alarm(5, 'raised');
  metrics.heard('plaka', 10);
  const heardSeconds = nowSeconds();
  await metrics.close();
  await clock.advance(60_000);
  await make().restore();
  expect(await alarmStands()).toBe(true);
  expect(await figure('mooring_centre_gateway_last_record_timestamp_seconds{gateway="plaka"}')).toBe(heardSeconds);
});

test('a damaged file of gateways is told and forgotten', async () => {
  writeFileSync(join(folder, 'gateways.json'), '{');
  await metrics.restore();
  expect(log.told).toEqual(['warn: what was known of gateways is forgotten: alarms that stand show when they change']);
});

test('gateways beyond a thousand are counted together', async () => {
  for (let index = 0; index < 1010; index += 1) metrics.heard(`gateway-${index}`, 2);
  const text = await metrics.text();
  const series = text.split('\n').filter((line) => line.startsWith('mooring_centre_gateway_received_bytes_total{'));
  expect(series.length).toBe(1001);
  expect(series.at(-1)).toBe('mooring_centre_gateway_received_bytes_total{gateway="_other"} 20');
});

test('a gateway of the list is expected before it is heard', async () => {
  const list = join(folder, 'gateways.txt');
  writeFileSync(list, '# the roof\nplaka\n\nkolonaki # new\nNo Name\n');
  await make({ gatewaysFile: list }).restore();
  expect(await figure('mooring_centre_gateway_enrolled{gateway="kolonaki"}')).toBe(1);
  expect(await figure('mooring_centre_gateway_last_record_timestamp_seconds{gateway="kolonaki"}')).toBeUndefined();
  expect((await metrics.text()).match(/gateway_enrolled\{/g)?.length).toBe(2);
  writeFileSync(list, 'plaka\n');
  await clock.advance(30_000);
  await expect.poll(() => figure('mooring_centre_gateway_enrolled{gateway="kolonaki"}')).toBeUndefined();
});

test('the lag of a sink is since it was level with the log, and one that stands by has none', async () => {
  const feed = { name: 'sql', state: 'feeding', letters: 3, lastError: undefined } as const;
  const sink = { name: 'sql', kind: 'mariadb', path: 'db' } as const;
  status = { ...status, sinks: [{ ...sink, feed: { ...feed, lag: 0 } }] };
  await metrics.restore();
  await clock.advance(10_000);
  status = { ...status, sinks: [{ ...sink, feed: { ...feed, lag: 50 } }] };
  await clock.advance(60_000);
  expect(await figure('mooring_centre_sink_lag_records{sink="sql",kind="mariadb"}')).toBe(50);
  expect(await figure('mooring_centre_sink_lag_seconds{sink="sql",kind="mariadb"}')).toBe(60);
  expect(await figure('mooring_centre_sink_dead_letters_total{sink="sql",kind="mariadb"}')).toBe(3);
  expect(await figure('mooring_centre_sink_state{sink="sql",kind="mariadb",state="feeding"}')).toBe(1);
  status = { ...status, sinks: [{ ...sink, feed: { ...feed, state: 'standing by', lag: undefined } }] };
  await clock.advance(2000);
  expect(await figure('mooring_centre_sink_lag_seconds{sink="sql",kind="mariadb"}')).toBeUndefined();
});

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const { host, port } = metrics.address as { host: string; port: number };
  return await fetch(`http://${host}:${port}${path}`, init);
}

test('metrics ask for the token, health does not, and readiness says what is wrong', async () => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'a-token-of-some-length\n');
  await make({ tokenFile }).open();
  expect((await ask('/metrics')).status).toBe(401);
  const authorization = 'Bearer a-token-of-some-length';
  const found = await ask('/metrics', { headers: { authorization } });
  expect([found.status, found.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(await found.text()).toContain('mooring_centre_running 1');
  expect((await ask('/healthz')).status).toBe(200);
  expect((await ask('/readyz')).status).toBe(200);
  status = { ...status, state: 'starting', intake: { ...status.intake, isLogFailing: true } };
  const unready = await ask('/readyz');
  expect([unready.status, await unready.json()]).toEqual([
    503,
    { ready: false, reasons: ['the centre is starting', 'the log takes nothing'] },
  ]);
  expect((await ask('/metrics?x=1', { method: 'POST' })).status).toBe(405);
  expect((await ask('/')).status).toBe(404);
});

test('a source is counted by its ways in, and one that is not heard is no ready centre', async () => {
  const intake = {
    ...{
      messages: 9,
      records: 20,
      duplicates: 2,
      retained: 0,
      refused: 3,
      busy: 1,
      failed: 4,
      bytesWaiting: 70,
      isFailing: false,
    },
    refusedBy: new Map([['name_collision', 3] as const]),
    takenMs: clock.wallMs(),
  };
  const address = { host: '127.0.0.1', port: 1 };
  const topic = { topic: 'lines', isJoined: true, partitions: 0, received: 5, empty: 2, taken: 3, waiting: 0, lost: 1 };
  const schools = { name: 'schools', format: 'lorawan', intake, kafka: [topic, { ...topic, empty: 5 }] } as const;
  const mqtt = { isConnected: true, received: 9, repeated: 0, acknowledged: 9, ignored: 0, waiting: 0, replies: 8 };
  const udp = { address, received: 4, tooLong: 6, lost: 7, waiting: 0, replies: 0 };
  const refused = { method: 1, token: 2, large: 3, slow: 4 };
  const http = { address, answers: {}, routes: [{ source: 'schools', refused, replies: 5 }] };
  const foreign = { sources: [{ ...schools, mqtt, udp }], http, registries: [{ name: 'rooms', devices: 12 }] };
  status = { ...status, foreign };
  const ofSource = (name: string, labels = ''): Promise<number | undefined> =>
    figure(`mooring_centre_source_${name}{source="schools"${labels}}`);
  expect(await ofSource('messages_total')).toBe(9);
  expect(await ofSource('records_total')).toBe(20);
  expect(await ofSource('duplicates_total')).toBe(2);
  expect(await ofSource('dead_letters_total', ',code="name_collision"')).toBe(3);
  expect(await ofSource('dead_letters_total', ',code="too_large"')).toBe(0);
  expect(await ofSource('turned_away_total', ',reason="failed"')).toBe(4);
  expect(await ofSource('last_message_timestamp_seconds')).toBe(nowSeconds());
  expect(await ofSource('refused_total', ',way="udp",reason="large"')).toBe(6);
  expect(await ofSource('refused_total', ',way="http",reason="token"')).toBe(2);
  expect(await ofSource('refused_total', ',way="kafka",reason="empty"')).toBe(7);
  expect(await ofSource('replies_total', ',way="mqtt"')).toBe(8);
  expect(await ofSource('replies_total', ',way="http"')).toBe(5);
  expect(await ofSource('up', ',way="kafka"')).toBe(1);
  expect(await figure('mooring_centre_registry_devices{registry="rooms"}')).toBe(12);
  await make().open();
  expect((await ask('/readyz')).status).toBe(200);
  const away = { ...schools, mqtt: { ...mqtt, isConnected: false }, kafka: [topic, { ...topic, isJoined: false }] };
  status = { ...status, foreign: { ...foreign, sources: [{ ...away, intake: { ...intake, isFailing: true } }] } };
  expect(await (await ask('/readyz')).json()).toEqual({
    ready: false,
    reasons: [
      'the source `schools` is not heard over `mqtt`',
      'the source `schools` is not heard over `kafka`',
      'messages of the source `schools` cannot be stored',
    ],
  });
  expect(await ofSource('up', ',way="mqtt"')).toBe(0);
});

test('a daily job that fails shows, and when it was done last', async () => {
  const job = {
    kind: 'retention',
    sink: 'search',
    done: 2,
    failed: 1,
    isFailing: true,
    doneMs: clock.wallMs(),
  } as const;
  status = { ...status, jobs: [job] };
  expect(await figure('mooring_centre_job_failing{job="retention",sink="search"}')).toBe(1);
  expect(await figure('mooring_centre_job_runs_total{job="retention",sink="search",outcome="done"}')).toBe(2);
  expect(await figure('mooring_centre_job_runs_total{job="retention",sink="search",outcome="failed"}')).toBe(1);
  expect(await figure('mooring_centre_job_done_timestamp_seconds{job="retention",sink="search"}')).toBe(nowSeconds());
});
