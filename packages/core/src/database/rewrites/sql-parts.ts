import { type Dialect, quoteName } from '../../sql/dialect.ts'
import type { Range } from '../../sql/token-map.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'

export interface Edit extends Range {
  readonly text: string
}

/** The text of parts of a statement, and the statement with parts replaced. */
export class SqlParts {
  /** For each token, its place where it is a bound value that is not named. */
  readonly #places = new Map<number, number>()
  readonly #freed: number[] = []
  #count: number
  /** Whether the values keep their numbers regardless of their position in the SQL. */
  readonly isNumbered: boolean

  constructor(readonly tree: QueryTree) {
    this.#count = tree.parameters
    for (const [at, place] of tree.places) if (tree.tokens[at]?.text === '?') this.#places.set(at, place)
    this.isNumbered = tree.dialect === 'sqlite' || this.#places.size === 0
  }

  /** A part as written; values without a number get theirs, where the dialect has numbers. */
  text({ start, end }: Range): string {
    return this.edited({ start, end }, [])
  }

  /**
   * A part with parts of it replaced, the edits in the order of the text. One of no tokens adds its text
   * after the token before it.
   */
  edited({ start, end }: Range, edits: readonly Edit[]): string {
    const { sql, tokens } = this.tree
    let text = ''
    let from = tokens[start]?.start ?? 0
    const pending = [...edits]
    for (let at = start; at < end; at++) {
      const token = tokens[at]
      if (token === undefined) break
      const edit = pending[0]
      if (edit !== undefined && edit.start === at) {
        pending.shift()
        // An insertion follows the token before it.
        const isAdded = edit.end === edit.start
        const until = isAdded ? (tokens[at - 1]?.end ?? from) : token.start
        text += sql.slice(from, until) + edit.text
        from = isAdded ? until : (tokens[edit.end - 1]?.end ?? token.end)
        at = edit.end - 1
        continue
      }
      const place = this.#places.get(at)
      if (place === undefined || this.tree.dialect !== 'sqlite') continue
      text += `${sql.slice(from, token.start)}?${place + 1}`
      from = token.end
    }
    text += sql.slice(from, tokens[end - 1]?.end ?? from)
    return text + pending.map((edit) => edit.text).join('')
  }

  /** The whole statement with parts replaced. */
  all(edits: readonly Edit[]): string {
    return this.edited({ start: 0, end: this.tree.tokens.length }, edits)
  }

  /** Makes the place of a value that is not bound any more the next one to be given. */
  free(place: number): void {
    this.#freed.push(place)
  }

  /** A new bound value. */
  fresh(): string {
    const place = this.#freed.shift() ?? this.#count++
    if (this.tree.dialect === 'postgresql' && this.isNumbered) return `$${place + 1}`
    return this.tree.dialect === 'sqlite' ? `?${place + 1}` : '?'
  }
}

export function quoteTable(
  { schema, name }: { readonly schema: string; readonly name: string },
  dialect: Dialect,
  defaultSchema: string,
): string {
  return schema === defaultSchema
    ? quoteName(name, dialect)
    : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}
