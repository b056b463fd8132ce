import type { RunId } from '../../protocol/ids.ts';
import type { Families, Series } from './families.ts';
import { type Fleet, OTHER_GATEWAYS } from './fleet.ts';
import { GAP_REASONS, type GatewayFacts } from './gateway-facts.ts';

export interface FleetFigures {
  readonly fleet: Pick<Fleet, 'gateways'>;
  /** Gateways that ought to be heard. */
  readonly expected: readonly string[];
  readonly isAcknowledged: (run: RunId, sequence: number) => boolean;
  readonly nowMs: number;
}

/** Stations that are told apart, of all gateways together. */
const STATIONS_MAX = 5000;
/** A copy that has not heard a gateway for so long does not know its newest run any more, in milliseconds. */
const BACKLOG_FRESH_MS = 600_000;
const GATEWAY = ['gateway'];

/** What is known of gateways. */
export class FleetFamilies {
  readonly #totals: ReadonlyMap<Series, (facts: GatewayFacts) => number>;
  readonly #times: ReadonlyMap<Series, (facts: GatewayFacts) => number | undefined>;
  readonly #enrolled: Series;
  readonly #backlog: Series;
  readonly #gapRecords: Series;
  readonly #stations: Series;
  readonly #raised: Series;
  readonly #cleared: Series;

  constructor(families: Families) {
    const time = (name: string, help: string): Series => families.gauge(`gateway_${name}`, help, GATEWAY);
    this.#totals = new Map([
      [families.total('gateway_records', 'Records that the log took.', GATEWAY), ({ records }) => records],
      [
        families.total('gateway_received_bytes', 'Batches that came, as they were encoded.', GATEWAY),
        ({ receivedBytes }) => receivedBytes,
      ],
    ]);
    this.#times = new Map([
      [time('last_record_timestamp_seconds', 'When it was heard last.'), ({ heardMs }) => heardMs],
      [time('cadence_seconds', 'The shortest time between records of a station.'), ({ cadenceMs }) => cadenceMs],
      [time('synced_timestamp_seconds', 'When its clock was last trusted.'), ({ syncedMs }) => syncedMs],
      [time('unsynced_timestamp_seconds', 'When its clock was last not trusted.'), ({ unsyncedMs }) => unsyncedMs],
      [time('gap_timestamp_seconds', 'When it last declared records lost.'), ({ gapMs }) => gapMs],
    ]);
    this.#enrolled = families.gauge('gateway_enrolled', '1 for each gateway that is expected.', GATEWAY);
    this.#backlog = families.gauge('gateway_backlog_records', 'Sequences not here though later ones are.', GATEWAY);
    const reasons = [...GATEWAY, 'reason'];
    this.#gapRecords = families.total('gateway_gap_records', 'Records declared as never coming.', reasons);
    const ofStation = [...GATEWAY, 'station'];
    const stationHelp = 'When a sample of this station came last.';
    this.#stations = families.gauge('station_last_record_timestamp_seconds', stationHelp, ofStation);
    const ofAlarm = [...ofStation, 'alarm', 'level'];
    this.#raised = families.gauge('alarm_raised_timestamp_seconds', 'When this alarm was raised last.', ofAlarm);
    this.#cleared = families.gauge('alarm_cleared_timestamp_seconds', 'When it was cleared last.', ofAlarm);
  }

  set({ fleet, expected, isAcknowledged, nowMs }: FleetFigures): void {
    for (const gateway of expected) this.#enrolled.set({ gateway }, 1);
    let stations = 0;
    for (const [gateway, facts] of fleet.gateways) {
      for (const [series, of] of this.#totals) series.set({ gateway }, of(facts));
      if (gateway === OTHER_GATEWAYS) continue;
      for (const [series, of] of this.#times) {
        const timeMs = of(facts);
        if (timeMs !== undefined) series.set({ gateway }, timeMs / 1000);
      }
      const { heardMs = 0 } = facts;
      if (nowMs - heardMs < BACKLOG_FRESH_MS) {
        this.#backlog.set({ gateway }, facts.backlog(isAcknowledged));
      }
      for (const reason of GAP_REASONS) this.#gapRecords.set({ gateway, reason }, facts.gapRecords.get(reason) ?? 0);
      for (const [station, { lastMs }] of facts.stations) {
        stations += 1;
        if (stations <= STATIONS_MAX) this.#stations.set({ gateway, station }, lastMs / 1000);
      }
      for (const { station, alarm, level, raisedMs, clearedMs } of facts.alarms) {
        this.#raised.set({ gateway, station, alarm, level }, raisedMs / 1000);
        this.#cleared.set({ gateway, station, alarm, level }, clearedMs / 1000);
      }
    }
  }
}
