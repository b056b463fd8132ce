import type { SerialSettings } from '../../../drivers/driver.ts';
import { nmea0183 } from '../../../drivers/nmea0183/nmea0183.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { FedLines } from '../../fed-lines.ts';
import { closed } from '../../nmea-listener.ts';
import { NoPorts } from '../../no-ports.ts';
import type { DriverSubject, DriverWorld, Truths } from '../driver.ts';

const TALK_MS = 250;

/** Instruments that say four times a second what is true, on a port that can be unplugged. */
class Instruments extends NoPorts implements DriverWorld {
  readonly clock = new SteppedClock();
  readonly ports = this;
  isUnplugged = false;
  isDamaged = false;
  #truths: Truths = {};
  #port: FedLines | undefined;

  constructor() {
    super();
    this.#talk();
  }

  set(truths: Truths): void {
    this.#truths = truths;
  }

  unplug(): void {
    this.isUnplugged = true;
    this.#port?.lose(new MooringError('PORT_LOST', 'unplugged'));
  }

  override serial(settings: SerialSettings): FedLines {
    const world = this;
    this.#port = new (class extends FedLines {
      override async open(): Promise<void> {
        if (world.isUnplugged) throw new MooringError('PORT_ABSENT', 'unplugged');
        await super.open();
      }
    })(settings);
    return this.#port;
  }

  #talk(): void {
    const { water_temperature, depth, heading } = this.#truths;
    for (const body of [`IIMTW,${water_temperature},C`, `SDDPT,${depth},0.0`, `GPHDT,${heading},T`]) {
      this.#port?.feed(this.isDamaged ? closed(body).replace(/\d/, 'x') : closed(body));
    }
    this.clock.after(TALK_MS, () => this.#talk());
  }
}

export const subject: DriverSubject<Instruments> = {
  driver: nmea0183,
  kind: 'protocol',
  options: { port: '/dev/instruments', only: ['water_temperature', 'depth', 'heading'], silence: '1s' },
  world: () => new Instruments(),
  truths: [
    { water_temperature: 17.5, depth: 10.1, heading: 274.1 },
    { water_temperature: -1.9, depth: 0, heading: 0 },
    { water_temperature: 34.25, depth: 11_034, heading: 359.9 },
  ],
  faults: [
    {
      name: 'its adapter unplugged',
      begin: (world) => world.unplug(),
      end: (world) => {
        world.isUnplugged = false;
      },
      atOpen: ['PORT_ABSENT'],
      atSample: ['PORT_LOST'],
    },
    {
      name: 'a digit turned in every sentence',
      begin: (world) => {
        world.isDamaged = true;
      },
      end: (world) => {
        world.isDamaged = false;
      },
      atSample: ['missing', 'SENSOR_FAILED'],
    },
  ],
};
