import { expect, test } from 'vitest';
import { I2cJobs, type NativeI2c } from './native.ts';

/** A bus on which all goes well but for what `failing` says, and what was on it. */
function stage(muxes: readonly number[]) {
  const wire: string[] = [];
  const failing = new Map<string, string>();
  const say = (text: string): void => {
    wire.push(text);
    const code = failing.get(text);
    if (code !== undefined) throw Object.assign(new Error(code), { code });
  };
  const native: NativeI2c = {
    probe: (address) => say(`${address.toString(16)}?`),
    write: (address, bytes) => say(`${address.toString(16)}<${Buffer.from(bytes).toString('hex')}`),
    read(address, length) {
      say(`${address.toString(16)}>${length}`);
      return new Uint8Array(length);
    },
    readRegister: (_address, _register, length) => new Uint8Array(length),
  };
  return { jobs: new I2cJobs(native, muxes), wire, failing };
}

const behind = (mux: number) => ({ address: 0x76, readLength: 1, mux: { address: mux, channel: 1 } });

test('a channel that was left connected before is disconnected before anything else is said on the bus', () => {
  const { jobs, wire } = stage([0x70, 0x71]);
  jobs.run(behind(0x70));
  jobs.run(behind(0x70));
  jobs.run({ address: 0x40, readLength: 1 });
  jobs.run({ address: 0x40, readLength: 1 });
  expect(wire).toEqual([...['71<00', '70<02', '76>1', '70<02', '76>1'], ...['70<00', '40>1', '40>1']]);
});

test('a multiplexer that is not there has nothing connected; one that fails is asked again', () => {
  const { jobs, wire, failing } = stage([0x70, 0x71]);
  failing.set('70<00', 'ENXIO').set('71<00', 'EIO');
  expect(() => jobs.run({ address: 0x40, readLength: 1 })).toThrow('EIO');
  failing.clear();
  jobs.run({ address: 0x40, readLength: 1 });
  expect(wire).toEqual(['70<00', '71<00', '71<00', '40>1']);
});
