import { metricNamed } from '../../protocol/metrics.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Wave } from './wave.ts';
import type { Quantity } from './world.ts';

const ANY_RANGE = [0, 100] as const;
/** How far a value swings about the middle of its range, of half of that. */
const SWING = 0.2;

/** Some smooth value for a metric that no world knows, a register of somebody's meter say, within the range that it can have. */
export function unknownQuantity(metric: string, range: readonly [number, number] | undefined, seed: number): Quantity {
  const hash = [...metric].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, seed);
  const wave = new Wave([3.1, 0.7, 0.13], new SeededRandom(hash));
  const [lowest, highest] = range ?? metricNamed(metric)?.range ?? ANY_RANGE;
  const [middle, half] = [(lowest + highest) / 2, (highest - lowest) / 2];
  return (timeMs) => middle + SWING * half * wave.at(timeMs);
}
