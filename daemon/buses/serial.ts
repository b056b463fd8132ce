import type { Ports } from '../../drivers/driver.ts';
import { SerialPortBytes } from './serial-bytes.ts';
import { SerialPortLines } from './serial-lines.ts';
import type { SerialContext } from './serial-session.ts';

/** The serial side of `Ports`. */
export function serialPorts(context: SerialContext): Pick<Ports, 'serial' | 'serialBytes'> {
  return {
    serial: (settings) => new SerialPortLines(settings, context),
    serialBytes: (settings) => new SerialPortBytes(settings, context),
  };
}
