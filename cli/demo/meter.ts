import type { Centre } from '../../central/app.ts';
import type { Gateway } from '../../daemon/app.ts';
import type { GatewayConfig } from '../../daemon/config/types.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { DemoKafka } from './folder.ts';
import type { DemoSnapshot } from './view.ts';

export interface DemoMeterOptions {
  readonly config: GatewayConfig;
  readonly gateway: Pick<Gateway, 'status' | 'latest'>;
  readonly centre: Pick<Centre, 'status'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly paths: DemoSnapshot['paths'];
  readonly kafka?: DemoKafka | undefined;
}

/** The rate of acknowledgements is that of so many last milliseconds. */
const RATE_OVER_MS = 5000;

/** Asks gateway and centre how they are, and makes one picture of it. */
export class DemoMeter {
  readonly #options: DemoMeterOptions;
  /** What was acknowledged when; the first is at least `RATE_OVER_MS` old once there is such a one. */
  readonly #acked: { readonly count: number; readonly atMs: number }[] = [];

  constructor(options: DemoMeterOptions) {
    this.#options = options;
  }

  async snapshot(): Promise<DemoSnapshot> {
    const { config, gateway, centre, paths, kafka } = this.#options;
    const { buffer, forwarders } = await gateway.status();
    const way = forwarders[0];
    const { stored, rejected, isLogFailing } = centre.status().intake;
    return {
      gateway: config.gateway,
      stations: config.stations.map(({ name }) => {
        const latest = gateway.latest(name);
        return latest === undefined ? { name } : { name, latest };
      }),
      link: {
        url: way?.url ?? '',
        up: way?.link === 'up',
        acksPerSecond: this.#rate(way?.acked ?? 0),
        ...(way?.last_ack_age === undefined ? {} : { lastAckAgeMs: way.last_ack_age * 1000 }),
      },
      buffer: {
        pending: way?.pending ?? 0,
        records: buffer.records,
        bytes: buffer.bytes,
        bytesMax: buffer.bytes_max,
      },
      centre: { stored, rejected },
      ...(kafka === undefined
        ? {}
        : { kafka: { broker: kafka.broker, topic: `${kafka.prefix}.records`, up: !isLogFailing } }),
      paths,
    };
  }

  /** Records acknowledged a second. */
  #rate(count: number): number {
    const atMs = this.#options.clock.monotonicMs();
    this.#acked.push({ count, atMs });
    while (atMs - (this.#acked[1]?.atMs ?? atMs) >= RATE_OVER_MS) this.#acked.shift();
    const first = this.#acked[0] ?? { count, atMs };
    return atMs === first.atMs ? 0 : ((count - first.count) * 1000) / (atMs - first.atMs);
  }
}
