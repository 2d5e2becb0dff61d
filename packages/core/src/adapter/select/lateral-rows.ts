import type { LookupKey } from '../../pipeline/lookup.ts'
import { FirstRows } from './first-rows.ts'
import { HelperColumns } from './helper-columns.ts'
import { type OrderColumn, orderOf } from './order-columns.ts'
import type { SelectFacts } from './select-facts.ts'
import {
  type BoundSql,
  offsetsOf,
  partsOf,
  repeatEditsOf,
  type SqlEdit,
  type SqlPart,
  SqlWriter,
} from './sql-writer.ts'

const KEYS = 'sluice_keys'
const ROWS = 'sluice_rows'

/** PostgreSQL: the select is joined laterally to the keys. */
export class LateralRows extends FirstRows {
  readonly #head: string
  readonly #inner: readonly SqlPart[]

  constructor(facts: SelectFacts, orders: readonly OrderColumn[], isTotal: boolean) {
    const { tree, form, names, keys, limit } = facts
    const { root, sql, dialect } = tree
    const helpers = new HelperColumns(form, dialect, names)
    const order = orderOf(ROWS, orders, helpers)
    super(facts, isTotal, helpers)
    const outputs = offsetsOf(tree, root.clauses.outputs)
    const edits: SqlEdit[] = [
      { start: outputs.end, end: outputs.end, parts: [helpers.sql] },
      ...keys.map(({ range, text }, nth) => ({
        ...offsetsOf(tree, range),
        parts: [`${text} = ${KEYS}.key_${nth}`],
      })),
      ...repeatEditsOf(tree, keys),
      ...this.limitEdits(),
    ]
    this.#inner = partsOf(tree, offsetsOf(tree, root).start, offsetsOf(tree, limit?.range).end, edits)
    const base = offsetsOf(tree, root.from[0])
    const window = `partition by ${KEYS}.place ${order}`.trimEnd()
    // The union gives the keys the types of their columns, as the original comparison does.
    this.#head =
      `select ${ROWS}.*, rank() over (${window}) as ${this.rank}, ` +
      `${KEYS}.place as ${this.place} from ` +
      `(select ${keys.map(({ text }, nth) => `${text} as key_${nth}`).join(', ')}, 0 as place ` +
      `from ${sql.slice(base.start, base.end)} where false`
  }

  write(params: readonly unknown[], keys: readonly LookupKey[]): BoundSql {
    const writer = new SqlWriter('postgresql')
    writer.text(this.#head)
    for (const [place, key] of keys.entries()) {
      writer.text(' union all select ')
      writer.key(this.facts.keys, key)
      writer.text(`, ${place}`)
    }
    writer.text(`) as ${KEYS} cross join lateral (`)
    writer.add(this.#inner, this.withExtraRow(params))
    writer.text(`) as ${ROWS}`)
    return writer.bound()
  }
}
