import { append } from './append.ts';
import { batchBytes } from './batch-bytes.ts';
import type { Benchmark } from './figure.ts';

/** In the order in which they run: the short ones first. */
export const BENCHMARKS: readonly Benchmark[] = [batchBytes, append];
