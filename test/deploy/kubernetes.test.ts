/** deploy/kubernetes as documents: they are what Kubernetes publishes of their kinds. They are run nowhere here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly scaleTargetRef?: { readonly kind: string; readonly name: string } };
}

const folder = join(import.meta.dirname, '..', '..', 'deploy', 'kubernetes');
const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
const manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
const { definitions, kinds } = JSON.parse(readFileSync(join(import.meta.dirname, 'kubernetes.json'), 'utf8')) as {
  readonly definitions: object;
  readonly kinds: Readonly<Record<string, string>>;
};
const ajv = new Ajv({ strict: false, validateFormats: false }).addSchema({ $id: 'kubernetes', definitions });

test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
  '%s %s',
  (kind, _name, manifest) => {
    const validate = ajv.getSchema(`kubernetes#/definitions/${kinds[kind]}`);
    validate?.(manifest);
    expect(validate?.errors ?? []).toEqual([]);
    expect(validate?.({ ...manifest, spec: { ...manifest.spec, replica: 1 } })).toBe(false);
  },
);

test('each copy of the centre has a volume of its own for its state', () => {
  const centres = texts.filter((text) => text.includes('image: mooring:'));
  expect(centres).toHaveLength(4);
  for (const text of centres) {
    expect(text).toMatch(/volumeClaimTemplates:\n {4}- metadata: \{ name: state \}/);
    expect(text).not.toMatch(/name: state, emptyDir/);
  }
});

test('the sink to files stands by and is not scaled; whatever is scaled is there', () => {
  const targets = manifests.flatMap(({ spec }) => spec.scaleTargetRef ?? []);
  expect(targets.map(({ name }) => name)).toEqual(['sink-elastic']);
  for (const { kind, name } of targets) {
    expect(manifests.some((manifest) => manifest.kind === kind && manifest.metadata.name === name)).toBe(true);
  }
});
