import { sds011 } from '../../../drivers/sds011/sds011.ts';
import { Sds011Talker } from '../../../sim/talkers/sds011.ts';
import { serialSubject } from '../driver-serial.ts';

export const subject = serialSubject({
  driver: sds011,
  kind: 'chip',
  options: { port: '/dev/dust' },
  baud: 9600,
  talker: (surroundings) => new Sds011Talker(surroundings),
  periodMs: 11_000,
  // The fan takes half a minute.
  lag: 3,
  truths: [
    { particulate_matter: 12.3, pm10: 15.6 },
    { particulate_matter: 0, pm10: 0 },
    { particulate_matter: 62.7, pm10: 140.1 },
    { particulate_matter: 999.9, pm10: 999.9 },
  ],
  beyond: [{ particulate_matter: 900, pm10: 1200 }],
  garbled: ['missing', 'SENSOR_FAILED'],
});
