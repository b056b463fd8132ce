/** A point on the ellipsoid WGS 84, in degrees. */
export interface Position {
  readonly lat: number;
  readonly lon: number;
}

const RADIANS = Math.PI / 180;

/** Of the sphere that `haversineM` measures on, in metres. */
const SPHERE_RADIUS_M = 6_371_000;

/** Great-circle distance on a sphere, in metres: up to 0.6 % off the ellipsoid. */
export function haversineM(from: Position, to: Position): number {
  const lat = Math.sin(((to.lat - from.lat) * RADIANS) / 2);
  const lon = Math.sin(((to.lon - from.lon) * RADIANS) / 2);
  const h = lat * lat + Math.cos(from.lat * RADIANS) * Math.cos(to.lat * RADIANS) * lon * lon;
  return 2 * SPHERE_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** WGS 84 (NGA.STND.0036): semi-major axis in metres, flattening. */
const A = 6_378_137;
const F = 1 / 298.257_223_563;
const B = A * (1 - F);

/** Of the longitude on the auxiliary sphere, in radians: less than a micrometre. */
const CONVERGED = 1e-13;
const ITERATIONS_MAX = 200;

/**
 * Distance along the geodesic on WGS 84, in metres, to within a millimetre. The series of T. Vincenty, "Direct and inverse
 * solutions of geodesics on the ellipsoid", Survey Review 23 (1975), as modified in 1976. For points within half a degree or so of
 * being antipodal it does not converge: their distance is given on the sphere, which is within 0.6 %.
 */
export function geodesicM(from: Position, to: Position): number {
  const difference = longitudeDifference(from.lon, to.lon) * RADIANS;
  const [sinU1, cosU1] = reducedLatitude(from.lat);
  const [sinU2, cosU2] = reducedLatitude(to.lat);
  let lambda = difference;
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration += 1) {
    const arc = arcOf(sinU1, cosU1, sinU2, cosU2, lambda);
    if (arc.sinSigma === 0) return 0;
    const previous = lambda;
    lambda = difference + longitudeCorrection(arc);
    if (Math.abs(lambda) > Math.PI) break;
    if (Math.abs(lambda - previous) < CONVERGED) return arcLengthM(arc);
  }
  return haversineM(from, to);
}

/** Degrees from one meridian to another, the short way, -180 to 180. */
function longitudeDifference(from: number, to: number): number {
  const difference = (to - from) % 360;
  if (difference > 180) return difference - 360;
  return difference < -180 ? difference + 360 : difference;
}

/** Sine and cosine of the latitude on the auxiliary sphere; at the pole the cosine is 0, which its tangent is not. */
function reducedLatitude(lat: number): readonly [sin: number, cos: number] {
  const sin = (1 - F) * Math.sin(lat * RADIANS);
  const cos = Math.cos(lat * RADIANS);
  const length = Math.hypot(sin, cos);
  return [sin / length, cos / length];
}

/** The great circle on the auxiliary sphere that the geodesic becomes, in Vincenty's symbols. */
interface Arc {
  readonly sinSigma: number;
  readonly cosSigma: number;
  /** Length on the sphere, in radians. */
  readonly sigma: number;
  /** Azimuth at the equator. */
  readonly sinAlpha: number;
  readonly cosSquaredAlpha: number;
  /** Cosine of twice the length from the equator to the middle; 0 along the equator itself. */
  readonly cos2SigmaM: number;
}

function arcOf(sinU1: number, cosU1: number, sinU2: number, cosU2: number, lambda: number): Arc {
  const sinLambda = Math.sin(lambda);
  const cosLambda = Math.cos(lambda);
  const sinSigma = Math.hypot(cosU2 * sinLambda, cosU1 * sinU2 - sinU1 * cosU2 * cosLambda);
  const cosSigma = sinU1 * sinU2 + cosU1 * cosU2 * cosLambda;
  const sinAlpha = sinSigma === 0 ? 0 : (cosU1 * cosU2 * sinLambda) / sinSigma;
  const cosSquaredAlpha = 1 - sinAlpha * sinAlpha;
  const cos2SigmaM = cosSquaredAlpha < 1e-15 ? 0 : cosSigma - (2 * sinU1 * sinU2) / cosSquaredAlpha;
  return { sinSigma, cosSigma, sigma: Math.atan2(sinSigma, cosSigma), sinAlpha, cosSquaredAlpha, cos2SigmaM };
}

/** How much longer the way is in longitude on the sphere than on the ellipsoid, in radians (Vincenty's equations 10 and 11). */
function longitudeCorrection({ sinSigma, cosSigma, sigma, sinAlpha, cosSquaredAlpha, cos2SigmaM }: Arc): number {
  const c = (F / 16) * cosSquaredAlpha * (4 + F * (4 - 3 * cosSquaredAlpha));
  const middle = cos2SigmaM + c * cosSigma * (-1 + 2 * cos2SigmaM ** 2);
  return (1 - c) * F * sinAlpha * (sigma + c * sinSigma * middle);
}

/** Vincenty's equations 3, 4, 6 and 19. */
function arcLengthM({ sinSigma, cosSigma, sigma, cosSquaredAlpha, cos2SigmaM }: Arc): number {
  const uSquared = (cosSquaredAlpha * (A * A - B * B)) / (B * B);
  const scale = 1 + (uSquared / 16_384) * (4096 + uSquared * (-768 + uSquared * (320 - 175 * uSquared)));
  const b = (uSquared / 1024) * (256 + uSquared * (-128 + uSquared * (74 - 47 * uSquared)));
  const once = cosSigma * (-1 + 2 * cos2SigmaM ** 2);
  const twice = (b / 6) * cos2SigmaM * (-3 + 4 * sinSigma ** 2) * (-3 + 4 * cos2SigmaM ** 2);
  return B * scale * (sigma - b * sinSigma * (cos2SigmaM + (b / 4) * (once - twice)));
}
