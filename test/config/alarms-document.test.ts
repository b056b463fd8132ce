/** docs/alarms.md: its examples are configurations, and its table of presets is the code's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ALARM_PRESETS } from '../../daemon/alarms/presets.ts';
import { readGatewayConfig } from '../../daemon/config/read.ts';
import type { AnyDriver } from '../../drivers/driver.ts';
import { replay } from '../../drivers/replay/replay.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';

const PAGE = readFileSync(new URL('../../docs/alarms.md', import.meta.url), 'utf8');
const METRICS = ['temperature', 'humidity', 'pressure', 'wind_speed', 'co2', 'door_open'];

/** Gives everything that the examples look at. */
const probe: AnyDriver = {
  name: 'probe',
  summary: 'Gives what the examples look at',
  options: z.strictObject({}),
  metrics: () => METRICS.map((name) => ({ name })),
  create: () => {
    throw new Error('reading a configuration builds no sensor');
  },
};

const examples = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text as string);

test('every example of docs/alarms.md is a right configuration, and each has alarms', () => {
  expect(examples.length).toBeGreaterThanOrEqual(2);
  const folder = mkdtempSync(join(tmpdir(), 'mooring-alarms-document-'));
  try {
    for (const example of examples) {
      const file = join(folder, 'mooring.yaml');
      const head = 'gateway: g\nstore: { path: s }\nstations: [{ name: buoy-7, sensors: [{ driver: probe }] }]\n';
      writeFileSync(file, example.startsWith('gateway:') ? example : head + example);
      expect(readGatewayConfig(new ConfigReader(file), [probe, replay]).alarms).not.toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the table of presets says what they are', () => {
  const table = /<!-- presets -->([\s\S]*?)<!-- end -->/.exec(PAGE)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| `.*\|$/gm)].map(([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  const expected = Object.entries(ALARM_PRESETS).flatMap(([preset, alarms]) =>
    alarms.map(({ name, level, above, clear }) => {
      const unit = metricNamed(preset)?.unit;
      return [preset, name, preset, level, `${above} ${unit}`, `${clear} ${unit}`];
    }),
  );
  expect(rows).toEqual(expected);
});
