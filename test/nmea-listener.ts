import type { Reading } from '../drivers/driver.ts';
import { Interpreter } from '../drivers/nmea0183/interpreter.ts';
import { optionsSchema, settingsOf } from '../drivers/nmea0183/options.ts';
import { checksum } from '../drivers/nmea0183/sentence.ts';
import { SteppedClock } from '../sim/clock.ts';

/** The body of a sentence with its `$` and the checksum it should have. */
export function closed(body: string): string {
  return `$${body}*${checksum(body).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** What is read from a line, whole or only its body, by a port with some options. */
export class NmeaListener {
  readonly clock = new SteppedClock();
  readonly interpreter: Interpreter;

  constructor(options: object = {}) {
    this.interpreter = new Interpreter(settingsOf(optionsSchema.parse({ port: '/dev/gps', ...options })), this.clock);
  }

  read(line: string): Reading | undefined {
    return this.interpreter.read(line.startsWith('$') ? line : closed(line)).reading;
  }
}
