/** A row of a table, and the line that it begins in, counted from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** What is wrong with a text that was to be a table. */
export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * The rows of comma-separated values as RFC 4180 has them: fields in quotes may hold separators, line ends and doubled
 * quotes; lines end with CRLF or LF, the last one with or without. Lines without anything are left out, a byte order mark
 * is not part of the first field. Throws `CsvError` with the line where a quote is not closed, stands within a field
 * without quotes, or has text behind it.
 */
export function csvRows(text: string, separator: string = ','): CsvRow[] {
  const reader = new Reader(text, separator);
  const rows: CsvRow[] = [];
  while (!reader.isDone) {
    const row = reader.row();
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row);
  }
  return rows;
}

class Reader {
  readonly #text: string;
  readonly #separator: string;
  #at = 0;
  #line = 1;

  constructor(text: string, separator: string) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
    this.#separator = separator;
  }

  get isDone(): boolean {
    return this.#at >= this.#text.length;
  }

  row(): CsvRow {
    const line = this.#line;
    const cells = [this.#cell()];
    while (this.#text.startsWith(this.#separator, this.#at)) {
      this.#at += this.#separator.length;
      cells.push(this.#cell());
    }
    this.#endLine();
    return { line, cells };
  }

  #cell(): string {
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#plain();
  }

  #plain(): string {
    let end = this.#at;
    while (end < this.#text.length && !this.#isEndAt(end)) {
      if (this.#text[end] === '"') throw new CsvError(this.#line, 'a quote within a field that is not in quotes');
      end += 1;
    }
    const cell = this.#text.slice(this.#at, end);
    this.#at = end;
    return cell;
  }

  #quoted(): string {
    const begin = this.#line;
    let cell = '';
    let from = this.#at + 1;
    for (;;) {
      const quote = this.#text.indexOf('"', from);
      if (quote < 0) throw new CsvError(begin, 'a quote that is not closed');
      cell += this.#text.slice(from, quote);
      from = quote + 1;
      if (this.#text[from] !== '"') break;
      cell += '"';
      from += 1;
    }
    this.#line += cell.split('\n').length - 1;
    this.#at = from;
    if (!this.isDone && !this.#isEndAt(from)) throw new CsvError(this.#line, 'text behind the quote that ends a field');
    return cell;
  }

  #isEndAt(at: number): boolean {
    const next = this.#text[at];
    return (
      next === '\n' ||
      (next === '\r' && (at + 1 === this.#text.length || this.#text[at + 1] === '\n')) ||
      this.#text.startsWith(this.#separator, at)
    );
  }

  #endLine(): void {
    if (this.#text[this.#at] === '\r') this.#at += 1;
    if (this.#text[this.#at] === '\n') this.#at += 1;
    this.#line += 1;
  }
}
