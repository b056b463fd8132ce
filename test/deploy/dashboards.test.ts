/** deploy/grafana: documents that Grafana can load, about metrics that there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboardsIn } from './dashboards.ts';

const root = join(import.meta.dirname, '..', '..');
const dashboards = dashboardsIn(join(root, 'deploy', 'grafana', 'dashboards'));

test('there is one of sensors, of the fleet and of the pipeline, each panel in a place of its own', () => {
  expect(dashboards.map(({ uid }) => uid).sort()).toEqual(['mooring-fleet', 'mooring-pipeline', 'mooring-sensors']);
  for (const { panels } of dashboards) {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  }
});

test('each asks a data source that is provisioned, for metrics that the centre has', () => {
  const folder = join(root, 'deploy', 'grafana', 'provisioning', 'datasources');
  const sources = readdirSync(folder).flatMap(
    (file) => (parse(readFileSync(join(folder, file), 'utf8')) as { datasources: { uid: string }[] }).datasources,
  );
  const documented = readFileSync(join(root, 'docs', 'monitoring.md'), 'utf8');
  for (const target of dashboards.flatMap(({ panels }) => panels).flatMap(({ targets }) => targets)) {
    expect(sources.map(({ uid }) => uid)).toContain(target.datasource.uid);
    const metrics = (target.expr ?? '').match(/mooring_\w+/g) ?? [];
    expect(metrics.filter((name) => !documented.includes(`\`${name.replace(/_bucket$/, '')}\``))).toEqual([]);
  }
});
