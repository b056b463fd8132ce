import { join } from 'node:path';
import { DirectRecordLog } from '../../central/recordlog/direct.ts';
import { type Disk, nodeDisk } from '../../central/sinks/disk.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { recordsIn } from './files-sink.ts';
import type { RecordLogHarness } from './recordlog.ts';

const RECORD_BYTES_MAX = 4096;

/** The disk of this machine, which is full while `faults.isBroken`. */
function disk(faults: { readonly isBroken: boolean }): Disk {
  return {
    ...nodeDisk,
    async writeFrom(path, from, data) {
      if (faults.isBroken && path.endsWith('.ndjson')) {
        // As `write(2)` does: a part goes in first.
        await nodeDisk.writeFrom(path, from, data.subarray(0, data.length / 2));
        throw Object.assign(new Error('no room'), { code: 'ENOSPC', syscall: 'write', path });
      }
      await nodeDisk.writeFrom(path, from, data);
    },
  };
}

/** `direct` over two sinks, of which the second can be full. */
export const harness: RecordLogHarness = {
  recordBytesMax: RECORD_BYTES_MAX,
  make(place, faults = { isBroken: false }) {
    const common = { clock: systemClock, log: silentLog, commitIntervalMs: 5, gatherMs: 1 };
    return new DirectRecordLog({
      sinks: [
        new FilesSink({ ...common, name: 'first', path: join(place, 'first') }),
        new FilesSink({ ...common, name: 'second', path: join(place, 'second'), disk: disk(faults) }),
      ],
      recordBytesMax: RECORD_BYTES_MAX,
    });
  },
  async read(place) {
    const [first, second] = [recordsIn(join(place, 'first')), recordsIn(join(place, 'second'))];
    const inBoth = new Set(second.map(({ id }) => id));
    if (inBoth.size !== second.length) throw new Error('the second sink has a record twice');
    return first.filter(({ id }) => inBoth.has(id));
  },
};
