import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a panel asks: PromQL or InfluxQL. */
export interface PanelTarget {
  readonly datasource: { readonly type: 'prometheus' | 'influxdb'; readonly uid: string };
  readonly expr?: string;
  readonly query?: string;
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly PanelTarget[];
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
}

/** The dashboards of a folder, as Grafana reads them. */
export function dashboardsIn(folder: string): readonly Dashboard[] {
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard);
}
