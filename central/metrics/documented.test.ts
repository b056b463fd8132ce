import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CentreFamilies } from './centre-families.ts';
import { Families } from './families.ts';
import { FleetFamilies } from './fleet-families.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const families = new Families();
new CentreFamilies(families);
new FleetFamilies(families);

interface Family {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

const exported = new Map(
  (families.registry.getMetricsAsArray() as unknown as Family[]).map((family) => [family.name, family]),
);
const NAME = /\bmooring_centre_\w+/g;
/** What Prometheus makes of a histogram. */
const PARTS = /_(?:bucket|sum|count)$/;

/** The files that ask for metrics: rules and dashboards. */
function queries(): readonly (readonly [path: string, text: string])[] {
  const paths = ['deploy/prometheus/rules.yaml', ...globSync('deploy/**/*.json', { cwd: ROOT })];
  return paths.filter((path) => existsSync(join(ROOT, path))).map((path) => [path, textOf(path)]);
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

test('docs/monitoring.md names every metric with its type and labels, and no other', () => {
  const [, table = ''] = /<!-- metrics -->([\s\S]*?)<!-- end -->/.exec(textOf('docs/monitoring.md')) ?? [];
  const rows = table.split('\n').flatMap((line) => {
    const [, name = '', type = '', labels = ''] = line.split('|').map((cell) => cell.trim());
    return name.startsWith('`') ? [[name.slice(1, -1), type, (labels.match(/\w+/g) ?? []).join(' ')] as const] : [];
  });
  const told = rows.map((row) => row.join(' | ')).toSorted();
  const there = [...exported.values()].map(({ name, type, labelNames }) => [name, type, labelNames.join(' ')]);
  expect(told).toEqual(there.map((row) => row.join(' | ')).toSorted());
});

test('names are in snake case, and end with the unit that a family of their type has', () => {
  for (const { name, type } of exported.values()) {
    expect(name).toMatch(/^mooring_centre_[a-z]+(?:_[a-z]+)*$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(/latency|lag_time|cadence|timestamp/.test(name) && !name.endsWith('_seconds'), name).toBe(false);
  }
});

test('rules and dashboards ask for metrics that are exported', () => {
  for (const [path, text] of queries()) {
    for (const [name] of text.matchAll(NAME)) {
      const family = exported.get(name) ?? exported.get(name.replace(PARTS, ''));
      expect(family, `${path}: ${name}`).toBeDefined();
    }
  }
});

test('rules group and select by labels that the metrics have', () => {
  const rules = textOf('deploy/prometheus/rules.yaml');
  const grouped = [...rules.matchAll(/by \(([^)]*)\)\s*\((?:increase\()?(mooring_centre_\w+)/g)];
  expect(grouped.length).toBeGreaterThan(8);
  for (const [, labels = '', name = ''] of grouped) {
    expect(exported.get(name)?.labelNames, name).toEqual(expect.arrayContaining(labels.split(/, */)));
  }
});

test('every alert has a test of its own', () => {
  const alerts = [...textOf('deploy/prometheus/rules.yaml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const tested = new Set(
    [...textOf('deploy/prometheus/rules-tests.yaml').matchAll(/alertname: (\w+)/g)].map(([, name]) => name),
  );
  const known = 'GatewaySilent BacklogGrowing ClockUnsynced SinkLag DeadLetters GapDeclared LocalAlarm';
  expect(alerts).toEqual(known.split(' '));
  expect([...tested].toSorted()).toEqual(alerts.toSorted());
});
