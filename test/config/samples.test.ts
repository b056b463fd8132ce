/** The sample of each driver, in the one station of a gateway. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { pasted, wholeSample } from '../driver-samples.ts';

const drivers = join(import.meta.dirname, '../../drivers');

test.each(DRIVERS.map(({ name }) => name))(
  'the sample of %s passes as it is pasted, and with all that it shows',
  (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-sample-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'mooring.yaml');
    const sample = readFileSync(join(drivers, name, 'sample.yaml'), 'utf8');
    for (const text of [sample, wholeSample(sample)]) {
      writeFileSync(file, stringify(pasted(text)));
      const { stations } = loadGatewayConfig(file);
      expect(stations.flatMap(({ sensors }) => sensors.map((sensor) => sensor.driver.name))).toContain(name);
    }
  },
);
