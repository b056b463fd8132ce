import { z } from 'zod';
import { MooringError } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { BUOY_METRICS, Buoy } from '../../sim/station/buoy.ts';
import { CITY_METRICS, City } from '../../sim/station/city.ts';
import type { Driver, PolledSensor, Reading, SensorContext } from '../driver.ts';

const optionsSchema = z.strictObject({
  profile: z.enum(['city', 'buoy']).describe('What is simulated: a city station or an ocean buoy'),
  seed: z.int().min(0).max(4_294_967_295).default(1).describe('Another seed is another station'),
  drop: z.number().min(0).max(1).default(0).describe('Share of samples that fail, to see what a bad sensor looks like'),
});

type SimOptions = z.output<typeof optionsSchema>;

/** Metrics of each profile, and what makes them. The city advances with every sample, the buoy with time. */
const PROFILES = {
  city: {
    metrics: CITY_METRICS.map(({ name }) => ({ name })),
    start: (seed: number, _clock: SensorContext['clock']): (() => Reading) => {
      const city = new City({ seed });
      return () => ({ metrics: city.next().values });
    },
  },
  buoy: {
    metrics: BUOY_METRICS.map((name) => ({ name })),
    start: (seed: number, clock: SensorContext['clock']): (() => Reading) => {
      const buoy = new Buoy(seed);
      return () => buoy.at(clock.wallMs());
    },
  },
} as const;

/** A station without hardware, from the simulated world in `sim/`. */
export const sim: Driver<SimOptions> = {
  name: 'sim',
  summary: 'A simulated station: the nine metrics of a city, or a buoy at its mooring',
  options: optionsSchema,
  metrics: ({ profile }) => PROFILES[profile].metrics,
  create: (options, context) => new SimSensor(options, context),
};

class SimSensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #next: () => Reading;
  readonly #drop: number;
  readonly #chance: SeededRandom;

  constructor({ profile, seed, drop }: SimOptions, { clock }: SensorContext) {
    this.#next = PROFILES[profile].start(seed, clock);
    this.#drop = drop;
    this.#chance = new SeededRandom(seed ^ 0x5bd1e995);
  }

  async open(): Promise<void> {
    await Promise.resolve();
  }

  async sample(): Promise<Reading> {
    const reading = this.#next();
    if (this.#chance.uniform() < this.#drop) {
      throw new MooringError('SENSOR_FAILED', 'a simulated sample failed', { retry: 'now' });
    }
    return await Promise.resolve(reading);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
