import type { RecordedLines } from '../../../drivers/replay/recorded-lines.ts';
import { replayFrom } from '../../../drivers/replay/replay.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { NoPorts } from '../../no-ports.ts';
import type { DriverSubject, DriverWorld, Truths } from '../driver.ts';

/** The log that is open in this test: one record, of what is true at the moment, over and over. */
const log: { truths: Truths; state: 'well' | 'absent' | 'lost' | 'damaged' } = { truths: {}, state: 'well' };

async function open(): Promise<RecordedLines> {
  if (log.state === 'absent') throw new MooringError('PORT_ABSENT', 'the recording cannot be read');
  let isAtEnd = false;
  return await Promise.resolve({
    next: async () => {
      await Promise.resolve();
      if (log.state === 'lost') throw new MooringError('PORT_LOST', 'the recording cannot be read');
      if (isAtEnd) return undefined;
      isAtEnd = true;
      const record = { station: 'a', kind: 'sample', timestamp: '2026-03-01T12:00:00.000Z', ...log.truths };
      return log.state === 'damaged' ? JSON.stringify(record).slice(0, -3) : JSON.stringify(record);
    },
    close: async () => await Promise.resolve(),
  });
}

function world(): DriverWorld {
  log.state = 'well';
  const clock = new SteppedClock();
  return {
    clock,
    ports: new NoPorts(),
    set: (truths) => {
      log.truths = truths;
    },
  };
}

const fault = (
  name: string,
  state: (typeof log)['state'],
): Pick<DriverSubject['faults'][number], 'name' | 'begin' | 'end'> => ({
  name,
  begin: () => {
    log.state = state;
  },
  end: () => {
    log.state = 'well';
  },
});

export const subject: DriverSubject = {
  driver: replayFrom(open),
  kind: 'protocol',
  options: { file: 'log.ndjson', metrics: ['temperature', 'under_voltage', 'modem_state'], loop: true },
  world,
  truths: [
    { temperature: 21.37, under_voltage: false, modem_state: 'connected' },
    { temperature: 0, under_voltage: true, modem_state: '' },
    { temperature: -59.99, under_voltage: false, modem_state: 'searching' },
  ],
  // What was read before the change is given first.
  lag: 2,
  faults: [
    { ...fault('a log that is not there', 'absent'), atOpen: ['PORT_ABSENT'], atSample: ['PORT_ABSENT', 'right'] },
    { ...fault('a log that cannot be read', 'lost'), atOpen: ['PORT_LOST'], atSample: ['PORT_LOST', 'right'] },
    {
      ...fault('a log without a whole record', 'damaged'),
      atOpen: ['SENSOR_UNKNOWN'],
      atSample: ['SENSOR_UNKNOWN', 'right'],
    },
  ],
};
