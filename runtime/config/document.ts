import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml';

/** A place in the tree: keys of mappings and indices of lists, from the top. */
export type Path = readonly (string | number)[];

export interface Position {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Something wrong at a place, before it is known which file it is in. */
export interface Finding extends Position {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** `stations[0].sensors[1].driver`; `(file)` for the top. */
export function keyText(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
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
  readonly #lines = new LineCounter();

  constructor(text: string) {
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
    return positionOf(this.#lines, offset);
  }

  #read(text: string): { document?: Document; data?: unknown; syntax: readonly Finding[] } {
    try {
      const document = parseDocument(text, {
        version: '1.2',
        lineCounter: this.#lines,
        prettyErrors: false,
        uniqueKeys: false,
      });
      const errors = [...document.errors, ...document.warnings];
      if (errors.length > 0) {
        return { syntax: errors.map((error) => syntaxFinding(text, error, this.#lines)).filter(isFirstOfItsLine) };
      }
      return { document, data: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, syntax: [] };
    } catch (error) {
      return { syntax: [{ line: 1, column: 1, key: '(yaml)', ...explainThrown(error) }] };
    }
  }
}

/** What `yaml` throws instead of collecting it: nesting or aliases made to exhaust the reader. */
function explainThrown(error: unknown): { message: string; hint: string } {
  if (error instanceof ReferenceError) {
    return { message: 'aliases repeat their anchors too often', hint: `At most ${ALIASES_MAX} repetitions are read.` };
  }
  if (error instanceof RangeError) {
    return { message: 'nested too deeply', hint: 'A configuration needs about eight levels.' };
  }
  throw error;
}

/** `yaml`'s error codes in words that say what to do. */
const SYNTAX: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { message: 'a tab as indentation', hint: 'Indent with spaces.' },
  BAD_INDENT: { message: 'wrong indentation, or a bracket that is not closed', hint: 'Compare with the lines above.' },
  MULTIPLE_DOCS: { message: 'a second document', hint: 'One file holds one configuration: remove the `---`.' },
  MISSING_CHAR: { message: 'something is not closed', hint: 'Look for a missing quote, bracket, comma or colon.' },
  BLOCK_AS_IMPLICIT_KEY: { message: 'a second colon in one line', hint: 'Quote the value, or begin a new line.' },
};

interface YamlError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

function syntaxFinding(text: string, error: YamlError, lines: LineCounter): Finding {
  const position = positionOf(lines, error.pos[0]);
  const line = text.split('\n')[position.line - 1] ?? '';
  const key = /^[\s-]*([\w.-]+)\s*:/.exec(line)?.[1] ?? '(yaml)';
  return { ...position, key, ...(SYNTAX[error.code] ?? { message: error.message, hint: '' }) };
}

/** One broken line makes the reader stumble several times: the first is the cause. */
function isFirstOfItsLine(finding: Finding, index: number, all: readonly Finding[]): boolean {
  return all.findIndex((other) => other.line === finding.line) === index;
}

function duplicateKeys(document: Document, lines: LineCounter): Finding[] {
  const found: Finding[] = [];
  const walk = (node: unknown, path: Path): void => {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    } else if (isMap(node)) {
      const firstAt = new Map<string, number>();
      for (const { key, value } of node.items) {
        const name = nameOf(key);
        const { line, column } = positionOf(lines, offsetOf(key) ?? 0);
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

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0];
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
