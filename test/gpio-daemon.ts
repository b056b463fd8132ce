/** As much of a daemon as a guard has to do with: opens an output, plays, and says so. `{ dev, sys, toolsFolder, onoff, line }` */
import { gpioOf } from '../daemon/buses/gpio/gpio.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLog } from '../runtime/log.ts';

const { line, ...places } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly line: string;
  readonly dev: string;
  readonly sys: string;
  readonly toolsFolder: string;
  readonly onoff?: string;
};
const log = createLog('info');
const gpio = gpioOf({ clock: systemClock, log, ...places });
const output = gpio.output({
  line,
  active: 'high',
  safe: 'off',
  onFailure: (error) => log.error({ err: error }, 'output lost'),
});
await output.open(new AbortController().signal);
output.play([], 60_000);
log.info({ guard: gpio.guardPid() }, 'playing');
process.once('SIGTERM', () => void output.close().then(() => gpio.close()));
