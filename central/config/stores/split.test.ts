import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { formatProblem, problemsOf } from '../../../runtime/config/problem.ts';
import { loadCentralConfig } from '../config.ts';

test.each([
  ['mooring.records', 'b', 'the log itself'],
  ['meters', 'b', 'line 4'],
  ['a', 'a', 'is the topic of line 3'],
])('topics %s and %s: %s', (main, measures, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-split-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'central.yaml');
  const source = 'sources: { one: { format: senml, kafka: { topics: [meters] } } }';
  const load = (first: string): unknown => {
    const sink = `split: { split: { topics: { main: ${first}, measures: ${measures} } } }`;
    writeFileSync(file, `kafka: { brokers: [127.0.0.1:9092] }\nsinks:\n  ${sink}\n${source}\nstate: s\n`);
    return loadCentralConfig(file).sinks[0];
  };
  let problems: string[] = [];
  try {
    load(main);
  } catch (error) {
    problems = problemsOf(error).map((problem) => formatProblem(problem));
  }
  expect(problems).toEqual([expect.stringContaining(words)]);
  expect(load('good')).toMatchObject({ kind: 'split', options: { topics: { main: 'good', measures } } });
});
