import { pulseCounter } from '../../../drivers/pulse-counter/pulse-counter.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { SimulatedLine } from '../../../sim/pi/gpio.ts';
import { PulseTrain } from '../../../sim/pi/pulses.ts';
import { GpioPorts } from '../../simulated-gpio-ports.ts';
import type { DriverSubject, DriverWorld } from '../driver.ts';

interface LineWorld extends DriverWorld {
  readonly line: SimulatedLine;
}

/** An anemometer of 1 m/s a pulse a second. */
function world(): LineWorld {
  const clock = new SteppedClock();
  const line = new SimulatedLine('GPIO5', clock);
  let speed = 0;
  new PulseTrain(line, clock, () => speed).start();
  return {
    line,
    clock,
    ports: new GpioPorts(line),
    set: ({ wind_speed }) => {
      speed = wind_speed as number;
    },
  };
}

export const subject: DriverSubject<LineWorld> = {
  driver: pulseCounter,
  kind: 'protocol',
  options: { gpio: 'GPIO5', per_hz: 1, calm: '1s', debounce: '2ms' },
  world,
  truths: [{ wind_speed: 4 }, { wind_speed: 0 }, { wind_speed: 1.5 }, { wind_speed: 99.5 }],
  // The first sample after a change counts pulses from before it.
  lag: 2,
  faults: [
    {
      name: 'a line that is gone',
      begin: ({ line }) => {
        line.isAbsent = true;
      },
      end: ({ line }) => {
        line.isAbsent = false;
      },
      atOpen: ['PORT_ABSENT'],
      atSample: ['PORT_LOST'],
    },
  ],
};
