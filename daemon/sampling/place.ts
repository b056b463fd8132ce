import type { Location } from '../../protocol/record.ts';
import { roundTo } from './metric-table.ts';

/** As it stands in a record: degrees to 1e-7, about a centimetre, and metres to the centimetre. */
export function roundLocation({ lat, lon, alt }: Location): Location {
  const rounded = { lat: roundTo(lat, 1e-7), lon: roundTo(lon, 1e-7) };
  return alt === undefined ? rounded : { ...rounded, alt: roundTo(alt, 0.01) };
}
