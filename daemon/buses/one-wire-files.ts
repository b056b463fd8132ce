import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { SlowFiles } from './child/slow-files.ts';
import type { OneWireFiles } from './machine.ts';

/** Where the kernel's w1 driver has a folder a device (Documentation/w1 of Linux). */
const DEVICES = '/sys/bus/w1/devices';
/** Family and serial number; the masters beside them are called otherwise. */
const DEVICE = /^[0-9a-f]{2}-[0-9a-f]{12}$/;

/** The kernel's 1-Wire files of this machine. */
export function oneWireFiles({ clock }: { readonly clock: Clock }): OneWireFiles & { close(): Promise<void> } {
  const files = new SlowFiles(clock);
  return {
    async list() {
      try {
        return (await files.list(DEVICES)).filter((name) => DEVICE.test(name));
      } catch (error) {
        // No such bus: a kernel without the driver, or with none configured.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
    read: async (device, file) => await files.read(join(DEVICES, device, file)),
    close: async () => await files.close(),
  };
}
