import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Openssl } from './openssl.ts';
import { textOf, writeWhole } from './whole-file.ts';

/** Files in PEM. */
export interface IdentityFiles {
  readonly cert: string;
  readonly key: string;
}

export type CertificateUse =
  | { readonly kind: 'client' }
  /** Good for these host names and addresses. */
  | { readonly kind: 'server'; readonly hosts: readonly string[] };

/** Of the authority itself, and of its revocation list: a list that ends would shut out everybody. */
const AUTHORITY_DAYS = 7300;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CONFIG = ['-config', 'authority.cnf'];
const DAY_MS = 86_400_000;
/** What broker and centre read of an authority's folder. Nothing beside it is theirs, and the authority's key least of all. */
export const SERVED = 'served';

const AUTHORITY_CNF = `# Of OpenSSL's \`ca\`, in this folder. Made by \`mooring central enroll\`.
[ca]
default_ca = authority

[authority]
database = index.txt
new_certs_dir = issued
certificate = ${SERVED}/ca.pem
private_key = ca.key
rand_serial = yes
default_md = sha256
default_crl_days = ${AUTHORITY_DAYS}
crl_extensions = list
policy = names
unique_subject = no
email_in_dn = no
copy_extensions = none

[names]
commonName = supplied

[list]
authorityKeyIdentifier = keyid

[req]
distinguished_name = none
[none]

[itself]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

/**
 * A certificate authority in a folder, kept by OpenSSL: its key and certificate, what it has issued, and the list of what it
 * has taken back. One process at a time.
 */
export class Authority {
  readonly #folder: string;
  readonly #openssl: Openssl;

  constructor(folder: string, openssl: Openssl) {
    this.#folder = folder;
    this.#openssl = openssl;
  }

  get certFile(): string {
    return join(this.#folder, SERVED, 'ca.pem');
  }

  get listFile(): string {
    return join(this.#folder, SERVED, 'crl.pem');
  }

  /** Makes what is not there yet. Throws `ENROLL_FAILED`. */
  async open(): Promise<void> {
    mkdirSync(join(this.#folder, 'issued'), { recursive: true, mode: 0o700 });
    mkdirSync(join(this.#folder, SERVED), { recursive: true, mode: 0o750 });
    writeWhole(join(this.#folder, 'authority.cnf'), AUTHORITY_CNF);
    this.#mendIndex();
    const index = join(this.#folder, 'index.txt');
    if (!existsSync(index)) writeFileSync(index, '');
    if (!existsSync(this.certFile)) {
      const subject = ['-subj', '/CN=Mooring authority', '-days', String(AUTHORITY_DAYS), '-extensions', 'itself'];
      // The key first, by OpenSSL with mode 0600; without the certificate both are made anew.
      const files = ['-keyout', 'ca.key', '-out', 'ca.pem.new'];
      await this.#openssl(['req', ...CONFIG, '-x509', ...NEW_KEY, ...files, ...subject], this.#folder);
      renameSync(join(this.#folder, 'ca.pem.new'), this.certFile);
    }
    if (!existsSync(this.listFile)) await this.#writeList();
  }

  /** Issues a certificate under this name, with a new key of mode 0600. Throws `ENROLL_FAILED`. */
  async issue(name: string, use: CertificateUse, days: number, { cert, key }: IdentityFiles): Promise<void> {
    const request = `${key}.request`;
    const extensions = `${key}.extensions`;
    try {
      writeFileSync(extensions, `${extensionsOf(use).join('\n')}\n`);
      const files = ['-keyout', `${key}.new`, '-out', request];
      await this.#openssl(['req', ...CONFIG, ...NEW_KEY, ...files, '-subj', `/CN=${name}`], this.#folder);
      const signing = ['-in', request, '-out', `${cert}.new`, '-days', String(days), '-extfile', extensions];
      await this.#openssl(['ca', ...CONFIG, '-batch', '-notext', ...signing], this.#folder);
      renameSync(`${key}.new`, key);
      renameSync(`${cert}.new`, cert);
    } finally {
      for (const path of [request, extensions, `${key}.new`, `${cert}.new`]) rmSync(path, { force: true });
    }
  }

  /** Takes back every certificate of this name that has not ended. Returns how many. Throws `ENROLL_FAILED`. */
  async revoke(name: string): Promise<number> {
    this.#mendIndex();
    const serials = this.#validSerialsOf(name);
    for (const serial of serials) {
      await this.#openssl(['ca', ...CONFIG, '-revoke', join('issued', `${serial}.pem`)], this.#folder);
    }
    // Also where there is none: the list of an interrupted revocation may be older than its index.
    await this.#writeList();
    return serials.length;
  }

  /** Whole days until a certificate ends; negative once it has. */
  static daysLeft(certFile: string, wallMs: number): number {
    const { validTo } = new X509Certificate(readFileSync(certFile));
    return Math.floor((Date.parse(validTo) - wallMs) / DAY_MS);
  }

  async #writeList(): Promise<void> {
    await this.#openssl(['ca', ...CONFIG, '-gencrl', '-out', 'crl.pem.made'], this.#folder);
    const made = join(this.#folder, 'crl.pem.made');
    writeWhole(this.listFile, readFileSync(made, 'utf8'));
    rmSync(made);
  }

  /**
   * OpenSSL puts its index aside before it puts the next one in its place: an end between leaves none, and without it nothing
   * would be known of what was taken back.
   */
  #mendIndex(): void {
    const index = join(this.#folder, 'index.txt');
    if (existsSync(index)) return;
    const kept = ['.new', '.old'].map((suffix) => `${index}${suffix}`).find((path) => existsSync(path));
    if (kept !== undefined) renameSync(kept, index);
  }

  /** Of OpenSSL's index: state, end, revocation, serial, file, subject, with tabs between. */
  #validSerialsOf(name: string): readonly string[] {
    const lines = textOf(join(this.#folder, 'index.txt')).split('\n');
    return lines
      .map((line) => line.split('\t'))
      .filter(([state, , , , , subject]) => state === 'V' && subject === `/CN=${name}`)
      .map(([, , , serial]) => serial as string);
  }
}

function extensionsOf(use: CertificateUse): readonly string[] {
  const common = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
  if (use.kind === 'client') return [...common, 'extendedKeyUsage=clientAuth'];
  const names = use.hosts.map((host) => `${/^[0-9.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`);
  return [...common, 'extendedKeyUsage=serverAuth', `subjectAltName=${names.join(',')}`];
}
