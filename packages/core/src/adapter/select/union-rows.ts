import type { LookupKey } from '../../pipeline/lookup.ts'
import { FirstRows } from './first-rows.ts'
import { HelperColumns } from './helper-columns.ts'
import { paramsOf } from './key-columns.ts'
import { type OrderColumn, orderOf } from './order-columns.ts'
import type { SelectFacts } from './select-facts.ts'
import { type BoundSql, offsetsOf, partsOf, type SqlEdit, type SqlPart, SqlWriter } from './sql-writer.ts'

const ROWS = 'sluice_rows'
const ARM = 'sluice_arm'

/**
 * MySQL: one select per key finds the primary keys of the rows, and a join reads the rows. The columns of a
 * derived table would have different types from those of the table, which drivers show to the app.
 */
export class UnionRows extends FirstRows {
  readonly #head: string
  readonly #arm: string
  readonly #inner: readonly SqlPart[]
  readonly #tail: string

  constructor(facts: SelectFacts, orders: readonly OrderColumn[], isTotal: boolean) {
    const { tree, form, names, limit, ground } = facts
    const { root, sql, dialect } = tree
    super(facts, isTotal, new HelperColumns(form, dialect, names))
    const own = new HelperColumns(form, dialect, names)
    const from = offsetsOf(tree, root.clauses.from)
    const last = tree.tokens[(root.clauses.from?.end ?? 0) - 1]
    const alias = sql.slice(last?.start, last?.end)
    const ids = ground.base.primaryKey.map((name) => {
      const column = `${alias}.\`${name.replaceAll('`', '``')}\``
      return `${column} = ${ROWS}.${own.add('sluice_id', column).name}`
    })
    const order = orderOf(ARM, orders, own)
    const outputs = offsetsOf(tree, root.clauses.outputs)
    const edits: SqlEdit[] = [{ ...outputs, parts: [own.sql.slice(', '.length)] }, ...this.limitEdits()]
    this.#inner = partsOf(tree, offsetsOf(tree, root).start, offsetsOf(tree, limit?.range).end, edits)
    const stars = root.outputs.flatMap((output) =>
      output.star === undefined ? [] : [{ ...offsetsOf(tree, output), parts: [`${alias}.*`] }],
    )
    const selected = partsOf(tree, outputs.start, outputs.end, stars).join('')
    this.#head =
      `select ${selected}, ${ROWS}.${this.rank}, ${ROWS}.${this.place} ` +
      `from ${sql.slice(from.start, from.end)} join (`
    this.#arm = `select ${ARM}.*, rank() over (${order}) as ${this.rank}, `
    this.#tail = `) as ${ROWS} on ${ids.join(' and ')}`
  }

  write(bound: readonly unknown[], keys: readonly LookupKey[]): BoundSql {
    const writer = new SqlWriter('mysql')
    const params = this.withExtraRow(bound)
    writer.text(this.#head)
    for (const [place, key] of keys.entries()) {
      const own = paramsOf(params, this.facts.keys, key)
      writer.text(`${place === 0 ? '' : ' union all '}${this.#arm}${place} as ${this.place} from (`)
      writer.add(this.#inner, own)
      writer.text(`) as ${ARM}`)
    }
    writer.text(this.#tail)
    return writer.bound()
  }
}
