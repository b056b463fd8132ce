import type { CentreStatus } from '../app.ts';
import type { IngestStatus } from '../ingest/ingest.ts';
import type { Families } from './families.ts';
import { jobFamilies } from './job-families.ts';
import type { SinkLag } from './sink-lag.ts';
import { sourceFamilies } from './source-families.ts';

export interface ProcessFigures {
  /** When it began, milliseconds since 1970. */
  readonly startMs: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

const FEED_STATES = ['starting', 'standing by', 'feeding', 'failed', 'stopped'] as const;

/** What the parts of a centre say of themselves. */
export class CentreFamilies {
  readonly #setProcess: (figures: ProcessFigures) => void;
  readonly #setIntake: (status: CentreStatus) => void;
  readonly #setIngest: (status: IngestStatus) => void;
  readonly #setLive: (status: CentreStatus['live']) => void;
  readonly #setSinks: (status: CentreStatus['sinks'], lag: Pick<SinkLag, 'lagMs'>) => void;
  readonly #setSources: (status: CentreStatus['foreign']) => void;
  readonly #setJobs: (status: CentreStatus['jobs']) => void;

  constructor(families: Families) {
    this.#setProcess = processFamilies(families);
    this.#setIntake = intakeFamilies(families);
    this.#setIngest = ingestFamilies(families);
    this.#setLive = liveFamilies(families);
    this.#setSinks = sinkFamilies(families);
    this.#setSources = sourceFamilies(families);
    this.#setJobs = jobFamilies(families);
  }

  set(status: CentreStatus, lag: Pick<SinkLag, 'lagMs'>, figures: ProcessFigures): void {
    this.#setProcess(figures);
    this.#setIntake(status);
    for (const ingest of status.ingest) this.#setIngest(ingest);
    this.#setLive(status.live);
    this.#setSinks(status.sinks, lag);
    this.#setSources(status.foreign);
    this.#setJobs(status.jobs);
  }
}

function processFamilies(families: Families): (figures: ProcessFigures) => void {
  const start = families.gauge('start_timestamp_seconds', 'When this process began.');
  const memory = families.gauge('resident_memory_bytes', 'Memory of this process.');
  const cpu = families.total('cpu_seconds', 'Processor time of this process.');
  return ({ startMs, residentBytes, cpuSeconds }) => {
    start.set({}, startMs / 1000);
    memory.set({}, residentBytes);
    cpu.set({}, cpuSeconds);
  };
}

function intakeFamilies(families: Families): (status: CentreStatus) => void {
  const running = families.gauge('running', '1 once batches are taken in.');
  const batches = families.total('batches', 'Batches that came.');
  const stored = families.total('records_stored', 'Records that are durable now and were not before.');
  const duplicate = families.total('records_duplicate', 'Records that came again and were not written again.');
  const held = families.gauge('records_held', 'Records that the log has and not every sink of `ack`.');
  const busy = families.total('batches_busy', 'Batches whose gateway was told to come back later.');
  const unreadable = families.total('batches_unreadable', 'Batches that could not be decoded.');
  const unknown = families.total('messages_unknown', 'Messages that are no batch.');
  const waiting = families.gauge('intake_waiting_bytes', 'Batches that wait for the log.');
  const logFailing = families.gauge('log_failing', '1 while the log took nothing the last time.');
  const letterFailing = families.gauge('dead_letter_failing', '1 while the dead letter took nothing the last time.');
  return ({ state, intake }) => {
    running.set({}, state === 'running' ? 1 : 0);
    batches.set({}, intake.batches);
    stored.set({}, intake.stored);
    duplicate.set({}, intake.duplicates);
    held.set({}, intake.held);
    busy.set({}, intake.busy);
    unreadable.set({}, intake.unreadable);
    unknown.set({}, intake.notABatch);
    waiting.set({}, intake.bytesWaiting);
    logFailing.set({}, intake.isLogFailing ? 1 : 0);
    letterFailing.set({}, intake.isDeadLetterFailing ? 1 : 0);
  };
}

function ingestFamilies(families: Families): (status: IngestStatus) => void {
  const up = families.gauge('ingest_up', '1 while this way in listens or is connected.', ['way']);
  const refused = families.total('ingest_refused', 'Connections, packets and datagrams refused.', ['way', 'reason']);
  const dropped = families.total('ingest_acks_dropped', 'Acks that had no place to go to.', ['way']);
  return (status) => {
    const way = status.mode;
    up.set({ way }, isUp(status) ? 1 : 0);
    if (status.mode !== 'embedded') dropped.set({ way }, status.acksDropped);
    if (status.mode === 'embedded') refused.set({ way, reason: 'rules' }, status.refused);
    if (status.mode !== 'udp') return;
    for (const [reason, count] of Object.entries(status.refused))
      refused.set({ way, reason: snakeCase(reason) }, count);
  };
}

/** Whether batches can come this way. */
export function isUp(status: IngestStatus): boolean {
  return status.mode === 'client' ? status.isConnected : status.address !== undefined;
}

function sinkFamilies(families: Families): (sinks: CentreStatus['sinks'], lag: Pick<SinkLag, 'lagMs'>) => void {
  const labels = ['sink', 'kind'];
  const states = families.gauge('sink_state', '1 for the state of the feed of a sink.', [...labels, 'state']);
  const records = families.gauge('sink_lag_records', 'Messages of the log that the sink does not have yet.', labels);
  const seconds = families.gauge('sink_lag_seconds', 'Since when it has not been level with the log.', labels);
  const letters = families.total(
    'sink_dead_letters',
    'Messages that the sink can never take, in the dead letter.',
    labels,
  );
  return (sinks, lag) => {
    for (const { name: sink, kind, feed } of sinks) {
      if (feed === undefined) continue;
      for (const state of FEED_STATES) states.set({ sink, kind, state }, feed.state === state ? 1 : 0);
      letters.set({ sink, kind }, feed.letters);
      if (feed.lag !== undefined) records.set({ sink, kind }, feed.lag);
      const lagMs = lag.lagMs(sink);
      if (lagMs !== undefined) seconds.set({ sink, kind }, lagMs / 1000);
    }
  };
}

function liveFamilies(families: Families): (status: CentreStatus['live']) => void {
  const clients = families.gauge('live_clients', 'Clients of the live feed.');
  const dropped = families.total('live_dropped', 'Messages that clients were not sent, as they did not read.');
  return (status) => {
    clients.set({}, status?.clients ?? 0);
    dropped.set({}, status?.dropped ?? 0);
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
