import type { FlatRecord } from '../../protocol/flat-record.ts';
import type { RunId } from '../../protocol/ids.ts';
import type { ClockState } from '../../protocol/record.ts';
import type { ForwarderStatus } from '../forward/forwarder.ts';
import type { Recorder } from '../recorder.ts';
import type { SamplerStatus } from '../sampling/sampler.ts';
import type { ForwarderStats, StoreStats } from '../store/store.ts';

/** What the parts of a gateway say of themselves. */
export interface StatusParts {
  readonly gateway: string;
  readonly run: RunId;
  readonly version: string;
  readonly uptimeMs: number;
  readonly clock: ClockState;
  readonly sampler: SamplerStatus;
  readonly recorder: Pick<Recorder, 'committed' | 'waiting' | 'lost'>;
  readonly store: StoreStats;
  readonly forwarders: readonly ForwarderStatus[];
}

/**
 * Answer to `status` on the control socket. Durations and ages are in seconds; there are ages rather than stamps, because
 * the clock may be wrong.
 */
export interface GatewayStatus {
  readonly gateway: string;
  readonly run: RunId;
  readonly version: string;
  readonly uptime: number;
  readonly clock: ClockState;
  readonly stations: readonly {
    readonly station: string;
    readonly every: number;
    readonly ticks: number;
    readonly missed: number;
    readonly last_tick_age?: number;
  }[];
  readonly sensors: readonly {
    readonly station: string;
    readonly sensor: string;
    readonly driver: string;
    readonly port?: string;
    readonly state: string;
    readonly last_good_age?: number;
    readonly code?: string;
    readonly reason?: string;
  }[];
  readonly buffer: {
    readonly records: number;
    readonly bytes: number;
    readonly bytes_max: number;
    readonly dropped: number;
    /** Of this run: on disk, and on their way there. */
    readonly committed: number;
    readonly waiting: number;
    /** Of this run: records that could not be stored. */
    readonly lost: number;
  };
  readonly forwarders: readonly {
    readonly name: string;
    readonly kind: string;
    readonly url?: string;
    readonly link: 'up' | 'down' | 'connecting';
    /** How long the link has been so. */
    readonly link_for: number;
    /** Not yet acknowledged; in flight and held ones included. */
    readonly pending: number;
    readonly in_flight: number;
    readonly held: number;
    /** Of this run. */
    readonly acked: number;
    readonly rejected: number;
    readonly bytes_sent: number;
    readonly unknown_acks: number;
    readonly last_ack_age?: number;
    readonly error?: { readonly code: string; readonly message: string };
  }[];
}

/** Answer to `read`: the newest record of each station, and the sensors that give nothing. */
export interface ReadAnswer {
  readonly records: readonly FlatRecord[];
  readonly failures: readonly {
    readonly station: string;
    readonly sensor: string;
    readonly code: string;
    readonly reason: string;
  }[];
}

export function statusOf(parts: StatusParts): GatewayStatus {
  const { gateway, run, version, clock, sampler, recorder, store } = parts;
  return {
    gateway,
    run,
    version,
    uptime: seconds(parts.uptimeMs),
    clock,
    stations: sampler.stations.map(({ station, everyMs, ticks, missed, lastTickAgeMs }) => ({
      station,
      every: seconds(everyMs),
      ticks,
      missed,
      ...(lastTickAgeMs === undefined ? {} : { last_tick_age: seconds(lastTickAgeMs) }),
    })),
    sensors: sampler.sensors.map(({ lastGoodAgeMs, ...sensor }) => ({
      ...sensor,
      ...(lastGoodAgeMs === undefined ? {} : { last_good_age: seconds(lastGoodAgeMs) }),
    })),
    buffer: {
      records: store.records,
      bytes: store.bytes,
      bytes_max: store.bytesMax,
      dropped: store.dropped,
      committed: recorder.committed,
      waiting: recorder.waiting,
      lost: recorder.lost,
    },
    forwarders: parts.forwarders.map((forwarder) => forwarderOf(forwarder, store.forwarders[forwarder.name])),
  };
}

/** For `systemctl status`: what a person looks for first. */
export function statusLineOf({ sensors, buffer, forwarders }: GatewayStatus): string {
  const well = sensors.filter(({ code }) => code === undefined).length;
  const ways = forwarders.map(({ name, link, pending }) => `${name} ${link}, ${pending} to be acknowledged`);
  return [`${well} of ${sensors.length} sensors ok`, `${buffer.records} records kept`, ...ways].join('; ');
}

function forwarderOf(status: ForwarderStatus, stats: ForwarderStats | undefined): GatewayStatus['forwarders'][number] {
  const { name, kind, url, link, lastAckAgeMs, acked, rejected, lastError } = status;
  return {
    name,
    kind,
    ...(url === undefined ? {} : { url }),
    link,
    link_for: seconds(status.linkForMs),
    pending: stats?.pending ?? 0,
    in_flight: stats?.inFlight ?? 0,
    held: stats?.held ?? 0,
    acked,
    rejected,
    bytes_sent: status.bytesSent,
    unknown_acks: status.unknownAcks,
    ...(lastAckAgeMs === undefined ? {} : { last_ack_age: seconds(lastAckAgeMs) }),
    ...(lastError === undefined ? {} : { error: lastError }),
  };
}

function seconds(durationMs: number): number {
  return Math.round(durationMs) / 1000;
}
