import { first, METRES_PER_FATHOM, METRES_PER_FOOT, positive } from './fields.ts';
import { claims, type Reader } from './report.ts';

/** `DBT,depth,f,depth,M,depth,F`: depth below the transducer. */
export const readDbt: Reader = (fields) => ({ claims: claims('DBT', true, { depth: inMetres(fields) }) });

/** `DPT,depth,offset,range`: depth below the transducer in metres; the offset to surface or keel changes nothing here. */
export const readDpt: Reader = (fields) => ({ claims: claims('DPT', true, { depth: positive(fields[0]) }) });

/** `DBS,…`: depth below the surface, brought to the transducer by the option `transducer_depth`. */
export const readDbs: Reader = (fields, { transducerDepthM }) => ({
  claims: claims('DBS', true, { depth: shifted(inMetres(fields), -transducerDepthM) }),
});

/** `DBK,…`: depth below the keel, brought to the transducer by the option `transducer_above_keel`. */
export const readDbk: Reader = (fields, { transducerAboveKeelM }) => ({
  claims: claims('DBK', true, { depth: shifted(inMetres(fields), transducerAboveKeelM) }),
});

/** Metres; from feet, then fathoms, only where the metres are empty. */
function inMetres(fields: readonly string[]): number | undefined {
  return first(
    [
      [2, 'M', 1],
      [0, 'f', METRES_PER_FOOT],
      [4, 'F', METRES_PER_FATHOM],
    ] as const,
    ([at, unit, metres]) => {
      const value = fields[at + 1] === unit ? positive(fields[at]) : undefined;
      return value === undefined ? undefined : value * metres;
    },
  );
}

/** A depth above the transducer is none. */
function shifted(depthM: number | undefined, byM: number): number | undefined {
  if (depthM === undefined) return undefined;
  return depthM + byM < 0 ? undefined : depthM + byM;
}
