import type { LookupKey } from '../../pipeline/lookup.ts'
import { splitRows } from '../split-rows.ts'
import { HelperColumns } from './helper-columns.ts'
import type { SqlRow, ValueReader } from './outputs.ts'
import type { BatchedQuery, SelectFacts } from './select-facts.ts'
import { type BoundSql, keyEditsOf, offsetsOf, partsOf, type SqlPart, SqlWriter } from './sql-writer.ts'

/**
 * Lists the rows of all keys, by the condition that the key is one of many. A limit is omitted, because each
 * key has at most one row if it has a limit.
 */
export class Listing implements BatchedQuery {
  readonly #head: readonly SqlPart[]
  readonly #tail: readonly SqlPart[]
  readonly #helpers: HelperColumns
  readonly #readers: readonly ValueReader[]

  /** @param isGrouped - Whether the query is grouped by the key. */
  constructor(
    private readonly facts: SelectFacts,
    isGrouped = false,
  ) {
    const { tree, form, keys, limit, names, properties } = facts
    const { sql, dialect, root } = tree
    this.#helpers = new HelperColumns(form, dialect, names)
    this.#readers = this.#helpers.addKey(keys, properties)
    const { at, edits } = keyEditsOf(tree, keys)
    const outputs = offsetsOf(tree, root.clauses.outputs)
    const added = { start: outputs.end, end: outputs.end, parts: [this.#helpers.sql] }
    this.#head = partsOf(tree, 0, at.start, [added, ...edits])
    // Nothing follows the limit of a statement.
    const end = limit === undefined ? sql.length : offsetsOf(tree, limit.range).start
    this.#tail = isGrouped
      ? [
          ...partsOf(tree, at.end, offsetsOf(tree, root.clauses.where ?? root.clauses.from).end, edits),
          ` group by ${keys.map(({ text }) => text).join(', ')}`,
        ]
      : partsOf(tree, at.end, end, edits)
  }

  get helpers(): number {
    return this.#helpers.count
  }

  write(params: readonly unknown[], keys: readonly LookupKey[]): BoundSql {
    const writer = new SqlWriter(this.facts.tree.dialect)
    writer.add(this.#head, params)
    writer.isOneOf(this.facts.keys, keys)
    writer.add(this.#tail, params)
    return writer.bound()
  }

  split(rows: readonly SqlRow[], keys: readonly LookupKey[]): Map<string, SqlRow[]> | undefined {
    const groups = splitRows(rows, keys, (row) => this.#readers.map((read) => read(row)))
    this.#helpers.strip(rows)
    return groups
  }
}
