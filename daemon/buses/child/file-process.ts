/** The program of a process that reads the kernel's slow files, one after the other, in calls that block until they answer. */
import { readdirSync, readFileSync } from 'node:fs';
import { serve } from './serve.ts';
import type { FileQuestion } from './slow-files.ts';

serve(({ ask, path }: FileQuestion): string | string[] =>
  ask === 'read' ? readFileSync(path, 'utf8') : readdirSync(path).sort(),
);
