import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeDisk } from '../sinks/disk.ts';
import { sha256Of } from './file-facts.ts';
import { MANIFEST_FILE, type ManifestFile, parquetNameOf, parseManifest } from './manifest.ts';

/** What the manifests of a folder say of it. */
export interface ManifestReport {
  readonly manifests: number;
  /** Files that are as they were when their manifest was made; NDJSON may have grown since. */
  readonly intact: number;
  /** Paths below the folder, with what is wrong: `changed`, `missing`, `unreadable` for a manifest itself. */
  readonly wrong: readonly { readonly path: string; readonly what: 'changed' | 'missing' | 'unreadable' }[];
}

const MANIFEST = new RegExp(`^(user/[^/]+/)?\\d{4}/\\d\\d/\\d\\d/${MANIFEST_FILE.replace('.', '\\.')}$`);

/** Holds the files of a sink to its manifests, each to the byte. Rejects with Node's own errors. */
export async function verifyManifests(folder: string): Promise<ManifestReport> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => MANIFEST.test(path)).sort();
  const wrong: { path: string; what: ManifestReport['wrong'][number]['what'] }[] = [];
  let intact = 0;
  for (const path of paths) {
    const manifest = parseManifest((await nodeDisk.read(join(folder, path))) ?? new Uint8Array());
    if (manifest === undefined) {
      wrong.push({ path, what: 'unreadable' });
      continue;
    }
    for (const file of manifest.files) {
      const place = join(dirname(path), file.file);
      const what = await stateOf(join(folder, place), file);
      if (what === 'intact') intact += 1;
      else if (what !== 'replaced') wrong.push({ path: place, what });
    }
  }
  return { manifests: paths.length, intact, wrong };
}

async function stateOf(
  path: string,
  { bytes, sha256 }: Pick<ManifestFile, 'bytes' | 'sha256'>,
): Promise<'intact' | 'replaced' | 'changed' | 'missing'> {
  const size = await nodeDisk.size(path);
  const parquet = parquetNameOf(path);
  if (size === undefined) {
    // Lines that have become Parquet since, whose records the audit has counted.
    return parquet !== path && (await nodeDisk.size(parquet)) !== undefined ? 'replaced' : 'missing';
  }
  if (parquet === path && size !== bytes) return 'changed';
  if ((await sha256Of(nodeDisk, path, bytes, new AbortController().signal)) === sha256) return 'intact';
  // It may have become Parquet while it was read.
  return (await nodeDisk.size(path)) === undefined ? await stateOf(path, { bytes, sha256 }) : 'changed';
}
