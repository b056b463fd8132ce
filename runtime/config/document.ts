import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, visit } from 'yaml';
import { misindentedNear } from './indentation.ts';
import { Lines, type Position } from './lines.ts';

/** A place in the tree: keys of mappings and indices of lists, from the top. */
export type Path = readonly (string | number)[];

/** Something wrong at a place, before it is known which file it is in. */
export interface Finding extends Position {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** `stations[0].sensors[1].driver`, an odd key in quotes; `(file)` for the top. */
export function keyText(path: Path): string {
  const text = path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[\w.-]+$/.test(part) ? `.${part}` : `.${JSON.stringify(part)}`;
    })
    .join('');
  return text === '' ? '(file)' : text.replace(/^\./, '');
}

/**
 * Aliases may repeat an anchor this often, counted through nested anchors: enough for a shared block in every station,
 * far too few for one that grows exponentially.
 */
const ALIASES_MAX = 100;

/** A YAML 1.2 document as plain data that still knows where each part of it stands in the text. */
export class ConfigDocument {
  /** Plain data; undefined where the text could not be read as YAML. */
  readonly data: unknown;
  /** Errors of syntax; what else is wrong cannot be told while there are any. */
  readonly syntax: readonly Finding[];
  /** Keys that stand twice in one mapping. */
  readonly duplicates: readonly Finding[];
  readonly #document: Document | undefined;
  readonly #lines: Lines;

  constructor(text: string) {
    this.#lines = new Lines(text);
    const read = this.#read(text);
    this.#document = read.document;
    this.data = read.data;
    this.syntax = read.syntax;
    this.duplicates = this.#document === undefined ? [] : duplicateKeys(this.#document, this.#lines);
  }

  /**
   * Where a value stands, or the key that leads to it. A path that does not exist stands where its parent does:
   * the parent's key, or the first key of the file.
   */
  locate(path: Path, at: 'key' | 'value'): Position {
    let node: unknown = this.#document?.contents;
    let keyOffset = offsetOf(node) ?? 0;
    let depth = 0;
    for (const part of path) {
      if (isAlias(node) && this.#document !== undefined) node = node.resolve(this.#document);
      const found = childOf(node, part);
      if (found === undefined) break;
      node = found.value;
      keyOffset = offsetOf(found.key) ?? offsetOf(node) ?? keyOffset;
      depth += 1;
    }
    const missing = depth < path.length;
    const offset = at === 'key' || missing ? keyOffset : (offsetOf(node) ?? keyOffset);
    return this.#lines.positionOf(offset);
  }

  #read(text: string): { document?: Document; data?: unknown; syntax: readonly Finding[] } {
    if (isNestedTooDeeply(text)) return { syntax: [{ ...TOO_DEEP, line: 1, column: 1, key: '(yaml)' }] };
    const document = parseDocument(text, {
      version: '1.2',
      // What is odd is reported with its place; nothing is printed behind the caller's back.
      logLevel: 'error',
      prettyErrors: false,
      uniqueKeys: false,
    });
    const errors = [...causesOf(document.errors), ...document.warnings, ...unknownAnchors(document)];
    if (errors.length > 0) {
      const findings = errors.map((error) => syntaxFinding(document, text, error, this.#lines));
      return { syntax: findings.filter(isFirstOfItsLine) };
    }
    const unspaced = unspacedKeys(document, this.#lines);
    if (unspaced.length > 0) return { syntax: unspaced };
    try {
      return { document, data: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, syntax: [] };
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      const hint = `At most ${ALIASES_MAX} repetitions are read.`;
      return {
        syntax: [{ line: 1, column: 1, key: '(yaml)', message: 'aliases repeat their anchors too often', hint }],
      };
    }
  }
}

/** A configuration nests some eight levels; the parser's time and stack grow faster than what it is given. */
const LEVELS_MAX = 100;
const TOO_DEEP = { message: 'nested too deeply', hint: `At most ${LEVELS_MAX} levels are read.` };
const MANY_INDICATORS = new RegExp(`^(?:[ \\t]*[-?:][ \\t]){${LEVELS_MAX}}`, 'm');

/** Counts brackets wherever they stand, also in comments: near enough, and done before anything is parsed. */
function isNestedTooDeeply(text: string): boolean {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = Math.max(0, depth + (bracket === '[' || bracket === '{' ? 1 : -1));
    deepest = Math.max(deepest, depth);
  }
  return deepest > LEVELS_MAX || MANY_INDICATORS.test(text);
}

/** Aliases whose anchor does not stand before them; `yaml` itself would throw at the first, without its place. */
function unknownAnchors(document: Document): YamlError[] {
  const anchors = new Set<string>();
  const unknown: YamlError[] = [];
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const { source, range } = node;
      if (!anchors.has(source)) unknown.push({ code: 'UNKNOWN_ANCHOR', message: '', pos: [range?.[0] ?? 0, 0] });
    } else if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      anchors.add(node.anchor);
    }
  });
  return unknown;
}

/** `yaml`'s error codes in words that say what to do. */
const SYNTAX: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { message: 'a tab as indentation', hint: 'Indent with spaces.' },
  BAD_INDENT: { message: 'wrong indentation', hint: 'Compare with the lines above.' },
  UNEXPECTED_TOKEN: {
    message: 'cannot be understood here',
    hint: 'Compare indentation, quotes and brackets with the lines above.',
  },
  MULTIPLE_DOCS: { message: 'a second document', hint: 'One file holds one configuration: remove the `---`.' },
  MISSING_CHAR: { message: 'something is not closed', hint: 'Look for a missing quote, bracket, comma or colon.' },
  UNKNOWN_ANCHOR: { message: 'an alias of something that does not stand before it', hint: 'Quote a value with `*`.' },
  RESOURCE_EXHAUSTION: TOO_DEEP,
  BLOCK_AS_IMPLICIT_KEY: { message: 'a second colon in one line', hint: 'Quote the value, or begin a new line.' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'a key without its colon',
    hint: 'Write `key: value`; a space follows the colon.',
  },
};

interface YamlError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

function syntaxFinding(document: Document, text: string, error: YamlError, lines: Lines): Finding {
  const misindented = INDENTATION.has(error.code)
    ? misindentedNear(text, lines.positionOf(error.pos[0]).line)
    : undefined;
  if (misindented !== undefined) return { ...misindented, key: keyInLine(lines, misindented.line) };
  const opened = UNCLOSED.has(error.code) ? openedBefore(document, error.pos[0]) : undefined;
  const position = lines.positionOf(opened ?? error.pos[0]);
  const key = keyInLine(lines, position.line);
  if (opened !== undefined) return { ...position, key, message: 'is opened here and not closed', hint: CLOSE };
  return { ...position, key, ...(SYNTAX[error.code] ?? { message: error.message, hint: '' }) };
}

function keyInLine(lines: Lines, line: number): string {
  return /^[\s-]*([\w.-]+)\s*:/.exec(lines.lineAt(line))?.[1] ?? '(yaml)';
}

/** What the reader stumbles over where a line begins in a wrong column. */
const INDENTATION: ReadonlySet<string> = new Set([
  'BAD_INDENT',
  'MISSING_CHAR',
  'BLOCK_AS_IMPLICIT_KEY',
  'MULTILINE_IMPLICIT_KEY',
]);
const UNCLOSED: ReadonlySet<string> = new Set(['MISSING_CHAR', 'BAD_INDENT']);
const CLOSE = 'Look for a missing quote, bracket or comma.';

/** Where the quote or bracket stands that was still open at `offset`: the end of the file is no help. */
function openedBefore(document: Document, offset: number): number | undefined {
  let opened: number | undefined;
  visit(document, (_, node) => {
    const { range, flow, type } = (node ?? {}) as { range?: readonly number[]; flow?: boolean; type?: string };
    if (flow !== true && type !== 'QUOTE_DOUBLE' && type !== 'QUOTE_SINGLE') return;
    const [start = 0, , end = 0] = range ?? [];
    if (start < offset && end >= offset) opened = start;
  });
  return opened;
}

/** Once the reader has lost its way, every further word is unexpected to it; and a tab makes it lose its way. */
function causesOf(errors: readonly YamlError[]): readonly YamlError[] {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  if (tabs.length > 0) return tabs;
  const firstUnexpected = errors.find(({ code }) => code === 'UNEXPECTED_TOKEN');
  return errors.filter((error) => error.code !== 'UNEXPECTED_TOKEN' || error === firstUnexpected);
}

/** One broken line makes the reader stumble several times: the first is the cause. */
function isFirstOfItsLine(finding: Finding, index: number, all: readonly Finding[]): boolean {
  return all.findIndex((other) => other.line === finding.line) === index;
}

/** Keys of `{ driver:sim }`: without a space the colon is part of a key, which has no value then. */
function unspacedKeys(document: Document, lines: Lines): Finding[] {
  const found: Finding[] = [];
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || key.type !== 'PLAIN' || value !== null) return;
      const name = /^([\w.-]+):(?!\/\/)/.exec(nameOf(key))?.[1];
      if (name === undefined) return;
      const hint = `Write \`${name}: …\`.`;
      const position = lines.positionOf(offsetOf(key) ?? 0);
      found.push({ ...position, key: name, message: 'has no space after its colon', hint });
    },
  });
  return found;
}

function duplicateKeys(document: Document, lines: Lines): Finding[] {
  const found: Finding[] = [];
  const walk = (node: unknown, path: Path): void => {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    } else if (isMap(node)) {
      const firstAt = new Map<string, number>();
      for (const { key, value } of node.items) {
        const name = nameOf(key);
        const { line, column } = lines.positionOf(offsetOf(key) ?? 0);
        const first = firstAt.get(name);
        if (first === undefined) firstAt.set(name, line);
        else {
          const message = `stands twice; the first is in line ${first}`;
          found.push({ line, column, key: keyText([...path, name]), message, hint: 'Remove one.' });
        }
        walk(value, [...path, name]);
      }
    }
  };
  walk(document.contents, []);
  return found;
}

function childOf(node: unknown, part: string | number): Pick<Pair, 'key' | 'value'> | undefined {
  if (isSeq(node)) {
    const item = node.items[part as number];
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  return node.items.findLast(({ key }) => nameOf(key) === String(part));
}

/** A key as it is named in plain data. */
function nameOf(key: unknown): string {
  return String((isScalar(key) ? key.value : key) ?? '');
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0];
}
