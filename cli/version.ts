import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The package's version, in a checkout as in an installed package. */
export function packageVersion(): string {
  const path = findPackageJSON(import.meta.url) as string;
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
