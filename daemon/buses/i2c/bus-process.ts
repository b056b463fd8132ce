/**
 * The program of a bus's process: it owns one I²C bus and does one job after the other, each in calls that block until the
 * kernel answers.
 */
import assert from 'node:assert/strict';
import { serve } from '../child/serve.ts';
import type { BusOpening, BusQuestion, OpenBus } from './bus-messages.ts';
import { I2cJobs } from './native.ts';
import { type I2cBusPackage, openPackageI2c } from './package-i2c.ts';

let jobs: I2cJobs | undefined;

serve(async (question: BusQuestion): Promise<BusOpening | string> => {
  if (question.ask === 'open') return await open(question);
  assert(jobs !== undefined, 'opened first');
  const { write, ...job } = question.job;
  const bytes = jobs.run({ ...job, ...(write === undefined ? {} : { write: Buffer.from(write, 'hex') }) });
  return Buffer.from(bytes).toString('hex');
});

/** Only one of the two libraries is loaded: each costs memory. */
async function open({ path, module, muxes }: OpenBus): Promise<BusOpening> {
  const found = await packageOf(module);
  if (typeof found !== 'string') {
    jobs = new I2cJobs(openPackageI2c(found, path), muxes);
    return { library: 'i2c-bus' };
  }
  const { openIoctlI2c } = await import('./ioctl-i2c.ts');
  jobs = new I2cJobs(openIoctlI2c(path), muxes);
  return { library: 'koffi', reason: found };
}

/** The package, or in one line why it cannot be had: not installed, not compiled, or compiled for another Node. */
async function packageOf(module: string): Promise<I2cBusPackage | string> {
  try {
    const { default: found } = (await import(module)) as { readonly default: I2cBusPackage };
    return found;
  } catch (error) {
    return (error as Error).message.replaceAll(/\s*\n\s*/g, ' ');
  }
}
