import { SerialPort } from 'serialport';
import type { SerialLineSettings, SerialOpening } from './machine.ts';

/**
 * Opens a serial port of this machine, 8 data bits. Every opening is a new port with nothing left over from the last, locked
 * against other programs (flock(2), which frees itself when the process ends). Throws what serialport says: its native part
 * has the system's words, and no code.
 */
export async function openSerialPort(settings: SerialLineSettings): Promise<SerialOpening> {
  const port = await open(settings);
  return {
    stream: port,
    // A terminal that is hung up answers every read with nothing, not with an error. serialport 13 hears of a hang-up only
    // while it waits for bytes: one that meets a read makes it read nothing for ever, at full load. An ioctl does fail.
    probe: async () => void (await port.port?.getBaudRate()),
    close: () => close(port),
  };
}

function open({ path, baud, parity = 'none', stopBits = 1 }: SerialLineSettings): Promise<SerialPort> {
  return new Promise((resolve, reject) => {
    const port = new SerialPort({ path, baudRate: baud, parity, stopBits, autoOpen: false, lock: true });
    port.open((error) => (error === null ? resolve(port) : reject(error)));
  });
}

/** Resolves when the descriptor, and with it the lock, is given back; also where the port is closing already. */
function close(port: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    if (port.isOpen) {
      port.close(() => resolve());
    } else if (port.closing) {
      port.once('close', () => resolve());
      port.once('error', () => resolve());
    } else {
      resolve();
    }
  });
}
