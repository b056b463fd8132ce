import { serialLines } from '../../../drivers/serial-lines/serial-lines.ts';
import { LineTalker } from '../../../sim/talkers/lines.ts';
import { serialSubject } from '../driver-serial.ts';

const QUANTITIES = ['temperature', 'humidity', 'noise_level'] as const;

export const subject = serialSubject({
  driver: serialLines,
  kind: 'protocol',
  options: {
    port: '/dev/board',
    format: 'key-value',
    checksum: 'xor',
    silence: '3s',
    values: QUANTITIES.map((metric) => ({ metric, key: metric, range: [-40, 150] })),
  },
  baud: 9600,
  talker: (surroundings) =>
    new LineTalker({ ...surroundings, quantities: QUANTITIES, format: 'key-value', hasChecksum: true }),
  periodMs: 2500,
  truths: [
    { temperature: 21.5, humidity: 43.25, noise_level: 55 },
    { temperature: -40, humidity: 0, noise_level: 0 },
    { temperature: 84.99, humidity: 100, noise_level: 150 },
  ],
  beyond: [{ temperature: -41, humidity: 43.25, noise_level: 55 }],
  tolerances: { temperature: 0.005, humidity: 0.005, noise_level: 0.005 },
  garbled: ['missing', 'SENSOR_FAILED'],
  noisy: ['missing', 'SENSOR_FAILED', 'right'],
  faults: [
    {
      name: 'a sensor of the board that does not answer',
      begin: ({ talker }) => talker.failed.add('humidity'),
      end: ({ talker }) => talker.failed.clear(),
      atSample: ['missing'],
    },
  ],
});
