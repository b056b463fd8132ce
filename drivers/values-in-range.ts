import type { Reading } from './driver.ts';

/** Values, each with its range: what is inside is a metric, what is not is missing. */
export function valuesInRange(
  values: Readonly<Record<string, readonly [value: number, range: readonly [number, number]]>>,
): Reading {
  const metrics: Record<string, number> = {};
  const missing: string[] = [];
  for (const [name, [value, [lowest, highest]]] of Object.entries(values)) {
    if (value >= lowest && value <= highest) metrics[name] = value;
    else missing.push(name);
  }
  return missing.length === 0 ? { metrics } : { metrics, missing };
}
