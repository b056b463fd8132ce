import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SenmlFormat } from '../../central/formats/senml/senml.ts';
import { MooringError } from '../../runtime/errors.ts';
import { talkerOfFile } from './workflow-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-workflow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const envelope = (ref: string): object => ({
  t: 'timestamp()',
  ...{ uuid: 'uuid()', ref, type: 'environmental' },
  m: [
    { k: 'environmental_temperature', v: 'double(0, 40)', u: 'C' },
    { k: 'ppm', v: 'integer(300, 400)', u: 'ppm' },
  ],
});
const said = {
  eventFrequency: 4000,
  varyEventFrequency: true,
  repeatWorkflow: true,
  timeBetweenRepeat: 15_000,
  varyRepeatFrequency: true,
  iterations: 2,
  stepRunMode: 'sequential',
  instances: 2,
  steps: [
    { config: [envelope('a'), envelope('b')], duration: 0, producerConfig: { topic: '/x/a', qos: 2 } },
    { config: [{ plain: 'counter("n")' }], duration: 0, iterations: 2 },
  ],
};

function file(content: unknown): string {
  const path = join(folder, 'workflow.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const options = { seed: 3, startMs: Date.UTC(2026, 0, 1) };

test('a workflow of shape A is played as often as it says, by as many devices, and what is true is what its format reads', () => {
  const messages = [...talkerOfFile(file(said), options)];
  expect(messages).toHaveLength(2 * 2 * 4);
  expect(messages.map(({ atMs }) => atMs)).toEqual(messages.map(({ atMs }) => atMs).sort((a, b) => a - b));
  const enveloped = messages.filter(({ topic }) => topic === '/x/a');
  expect(enveloped).toHaveLength(8);
  for (const { bytes, topic, truth } of enveloped) {
    const [reading] = new SenmlFormat().parse({ bytes, topic }).readings;
    expect(reading).toMatchObject(truth[0] as object);
  }
  expect(messages.filter(({ truth }) => truth.length === 0)).toHaveLength(8);
  expect([...talkerOfFile(file(said), options)]).toEqual(messages);
  expect([...talkerOfFile(file(said), { ...options, devices: 1 })]).toHaveLength(8);
});

test.each([
  ['no JSON', '{', /JSON/],
  ['a key that there is not', { ...said, frequency: 1 }, /frequency/],
  ['a function that there is not', { ...said, steps: [{ config: [{ v: 'sinus(1)' }] }] }, /no function sinus/],
  ['arguments that are none', { ...said, steps: [{ config: [{ v: 'double(a, b)' }] }] }, /JSON|token/],
  ['several events without end', { ...said, steps: [{ config: [{}, {}], duration: -1 }] }, /steps\.0/],
])('%s is told before anything is sent', (_, content, words) => {
  const play = (): unknown => talkerOfFile(file(content), options);
  expect(play).toThrow(MooringError);
  try {
    play();
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringMatching(words) });
  }
});
