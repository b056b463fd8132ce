/**
 * `npm run bench -- [--json] [NAME[/PART]…]`: every benchmark, or those that are named. Prints a line a figure with the ratio to
 * its limit; exits with 1 where a goal is missed or something could not be measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { BENCHMARKS } from './benchmarks.ts';
import { type Benchmark, lineOf } from './figure.ts';
import { headline, tableRow } from './table.ts';

const names = BENCHMARKS.map(({ name }) => name);
const partNames = BENCHMARKS.flatMap(({ name, parts = [] }) => parts.map((part) => `${name}/${part}`));
const known = [...names, ...partNames];
const USAGE = `npm run bench -- [--json] [NAME[/PART]…]

Measures every benchmark, or those that are named: ${names.join(', ')}.

Parts of some can be measured alone: ${partNames.join(', ')}.

Not measured unless they are named: ${BENCHMARKS.filter(({ isOnRequest = false }) => isOnRequest)
  .map(({ name }) => name)
  .join(', ')}.

  --json  print a line of JSON a figure

Exit status: 0 every goal is met, 1 one is missed or could not be measured, 2 the command line means nothing.
`;
const { values, positionals } = commandLine();
const unknown = positionals.filter((name) => !known.includes(name));
const chosen = BENCHMARKS.flatMap((benchmark) => {
  const { name, isOnRequest = false, parts = [] } = benchmark;
  if (positionals.length === 0) return isOnRequest ? [] : [{ benchmark, parts }];
  if (positionals.includes(name)) return [{ benchmark, parts }];
  const some = parts.filter((part) => positionals.includes(`${name}/${part}`));
  return some.length === 0 ? [] : [{ benchmark, parts: some }];
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** Beside the figures, so that these can be piped on. */
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Ends the process where help is asked for, and where there is an option that means nothing. */
function commandLine(): { readonly values: { readonly json: boolean }; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
      allowPositionals: true,
    });
    if (!values.help) return { values, positionals };
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_')) throw error;
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function measure(benchmark: Benchmark, parts: readonly string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), `mooring-bench-${benchmark.name}-`));
  if (!values.json) for (const line of ['', ...benchmark.about]) print(line);
  try {
    const figures = await benchmark.run({ folder, parts, say: (text) => say(`  ${benchmark.name}: ${text}`) });
    const lines = figures.map(lineOf);
    if (!values.json) print(headline());
    for (const [index, figure] of figures.entries()) {
      const line = lines[index] as (typeof lines)[number];
      print(values.json ? JSON.stringify(line) : tableRow(figure, line));
    }
    return lines.every(({ ok }) => ok);
  } catch (error) {
    say(`${benchmark.name} could not be measured: ${inspect(error)}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (unknown.length > 0) {
  say(`there is no benchmark named ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  let isGood = true;
  for (const { benchmark, parts } of chosen) isGood = (await measure(benchmark, parts)) && isGood;
  process.exitCode = isGood ? 0 : 1;
}
