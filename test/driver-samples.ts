import { parse } from 'yaml';

/**
 * A driver's sample with all that it shows: also what stands behind a `#` without a space, or with two and more, which is not for
 * every reader. One space is a comment in words.
 */
export function wholeSample(sample: string): string {
  return sample.replaceAll(/^( *)#(?! \S)/gm, '$1');
}

interface Sample {
  readonly sensors: readonly object[];
  readonly metrics?: object;
}

/** A gateway with a driver's sample in its one station, as a reader pastes it. */
export function pasted(sample: string): object {
  const { sensors, metrics = {} } = parse(sample) as Sample;
  return gatewayWith([sensors], metrics);
}

/** A gateway with each sensor of a driver's whole sample in a station of its own. */
export function spread(sample: string): { readonly stations: readonly object[] } {
  const { sensors, metrics = {} } = parse(wholeSample(sample)) as Sample;
  return gatewayWith(
    sensors.map((sensor) => [sensor]),
    metrics,
  );
}

function gatewayWith(stations: readonly (readonly object[])[], metrics: object) {
  return {
    gateway: 'sample',
    stations: stations.map((sensors, index) => ({ name: `station-${index}`, sensors })),
    metrics,
    store: { path: 'store.db' },
  };
}
