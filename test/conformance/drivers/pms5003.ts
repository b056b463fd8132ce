import { pms5003 } from '../../../drivers/pms5003/pms5003.ts';
import { Pms5003Talker } from '../../../sim/talkers/pms5003.ts';
import { serialSubject } from '../driver-serial.ts';

export const subject = serialSubject({
  driver: pms5003,
  kind: 'chip',
  options: { port: '/dev/dust' },
  baud: 9600,
  talker: (surroundings) => new Pms5003Talker(surroundings),
  periodMs: 11_000,
  // The fan takes half a minute.
  lag: 3,
  truths: [
    { pm1: 7, particulate_matter: 12, pm10: 15 },
    { pm1: 0, particulate_matter: 0, pm10: 0 },
    { pm1: 31, particulate_matter: 62, pm10: 140 },
    { pm1: 999, particulate_matter: 1000, pm10: 1000 },
  ],
  beyond: [{ pm1: 900, particulate_matter: 1000, pm10: 1200 }],
  garbled: ['missing', 'SENSOR_FAILED'],
  faults: [
    {
      name: 'an error that it tells itself',
      begin: ({ talker }) => {
        talker.errorCode = 1;
      },
      end: ({ talker }) => {
        talker.errorCode = 0;
      },
      atSample: ['missing'],
    },
  ],
});
