import { SeededRandom } from '../../runtime/random.ts';
import { Wave } from './wave.ts';
import type { World } from './world.ts';

/** A Raspberry Pi in its housing: idle for the most part, with an eMMC that has used a fifth of its life. */
export function machineWorld(seed: number): World {
  const random = new SeededRandom(seed ^ 0x2545f491);
  const waves = (hours: readonly number[]): Wave => new Wave(hours, random);
  const [busy, warm, memory, link] = [waves([0.9, 0.21]), waves([24, 0.8]), waves([5, 1.1]), waves([3, 0.4])];
  return {
    cpu_temperature: (t) => 46 + 5 * warm.at(t) + 1.5 * busy.at(t),
    system_load: (t) => 0.4 + 0.3 * busy.at(t),
    memory_used: (t) => 22 + 4 * memory.at(t),
    disk_free: (t) => 71 - 3 * memory.at(t),
    flash_life: () => 80,
    under_voltage: () => 0,
    clock_offset: (t) => 0.002 * link.at(t),
    processes: () => 112,
    modem_signal: (t) => -75 + 12 * link.at(t),
  };
}
