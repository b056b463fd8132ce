import type { Duplex } from 'node:stream';
import type { I2cChip } from '../../sim/chips/chip.ts';

const ENXIO = 6;
const HEADER_BYTES = 8;

/**
 * Answers the transfers of the guest's I²C bus with modelled chips. On the wire, little endian: a transfer is u32 number, u16
 * messages, u16 bytes that follow, then each message as u16 address, u16 flags (1: read), u16 length and the bytes of a write;
 * an answer is u32 number, i32 status (0 or −errno), u32 length, and what was read.
 */
export function answerTransfers(port: Duplex, chips: readonly I2cChip[]): void {
  let waiting: Buffer = Buffer.alloc(0);
  port.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + waiting.readUInt16LE(6);
      if (waiting.length < end) return;
      port.write(answerTo(waiting.subarray(0, end), chips));
      waiting = waiting.subarray(end);
    }
  });
}

function answerTo(transfer: Buffer, chips: readonly I2cChip[]): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(transfer.readUInt32LE(0), 0);
  try {
    const answer = bytesReadIn(transfer, chips);
    header.writeUInt32LE(answer.length, 8);
    return Buffer.concat([header, answer]);
  } catch {
    header.writeInt32LE(-ENXIO, 4);
    return header;
  }
}

/** Throws where no chip acknowledges. */
function bytesReadIn(transfer: Buffer, chips: readonly I2cChip[]): Buffer {
  const read: Uint8Array[] = [];
  let at = HEADER_BYTES;
  for (let message = transfer.readUInt16LE(4); message > 0; message -= 1) {
    const [address, flags, length] = [at, at + 2, at + 4].map((place) => transfer.readUInt16LE(place)) as Head;
    at += 6;
    const chip = chips.find((each) => each.address === address);
    if (chip === undefined) throw new Error('nobody is there');
    if ((flags & 1) === 1) {
      read.push(chip.read(length));
    } else {
      chip.write(transfer.subarray(at, at + length));
      at += length;
    }
  }
  return Buffer.concat(read);
}

type Head = [address: number, flags: number, length: number];
