import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';

/** Others may do something with it, or its group may write it. */
const TOO_OPEN = 0o027;
/** The same where whoever runs the container says who is in it: nobody but root may write it. */
const WRITABLE = 0o022;
/** What `readUdpKey` keeps to: anybody but its owner may do something with it. */
const OWNER_ALONE = 0o077;
/** Where Docker and Podman put secrets, with mode 0444 as it comes, and where Kubernetes is told to. */
const RUNTIME_FOLDERS = ['/run/secrets', '/var/run/secrets'];

/** Reports secrets of the centre, but those of stores, that others may read: tokens, the broker's password and key. */
export function checkSecrets(reader: ConfigReader): void {
  const sources = Object.keys(reader.mappingAt(['sources']) ?? {});
  for (const path of [
    ['ingest', 'mqtt', 'key'],
    ['ingest', 'mqtt', 'password'],
    ['metrics', 'token'],
    ['live', 'token'],
    ...sources.map((name) => ['sources', name, 'http', 'token']),
  ]) {
    checkSecret(reader, path);
  }
  for (const name of sources) checkSecret(reader, ['sources', name, 'seal', 'key'], OWNER_ALONE);
}

/** Reports a file with a secret that others may read. One that is not there is no mistake: it may be checked elsewhere. */
export function checkSecret(reader: ConfigReader, path: Path, tooOpen = TOO_OPEN): void {
  const value = reader.valueAt(path);
  if (typeof value !== 'string') return;
  const file = resolve(reader.folder, value);
  const mode = modeOf(file);
  const isOfGroup = tooOpen === TOO_OPEN;
  const isOfRuntime = isOfGroup && RUNTIME_FOLDERS.some((folder) => file.startsWith(folder + sep));
  if (mode === undefined || (mode & (isOfRuntime ? WRITABLE : tooOpen)) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const message = `is the file ${file} of mode ${octal}: others may use the secret`;
  reader.report(path, 'value', message, `\`chmod 600 ${file}\`${isOfGroup ? ', or 640 for a group' : ''}.`);
}

function modeOf(file: string): number | undefined {
  try {
    return statSync(file).mode;
  } catch {
    // Not there, not ours to look at, or no name of a file, which the schema tells.
    return undefined;
  }
}
