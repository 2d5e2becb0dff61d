import { type IndexAdvice, schemaChangeSql } from '@sluice/core/database'
import type { ShopAdvisor } from './advise-shop.ts'
import { answerOf } from './answers.ts'
import { createExpected } from './expected-ddl.ts'
import { labelOf, type ShapeVerdict } from './judge.ts'
import type { ShopDatabase } from './shop-database.ts'
import type { AskedShape } from './shop-workload.ts'

/** By how much a statement must be slower without an index to count. */
const LEAST = { factor: 1.3, ms: 0.02 }

interface Loss {
  readonly id: string
  /** Milliseconds of one call. */
  readonly with: number
  readonly without: number
}

export interface RealGain {
  readonly after: ReadonlyMap<string, number>
  /** For each advised index, the statements that are slower when it alone is dropped; the worst first. */
  readonly drops: readonly { readonly label: string; readonly losses: readonly Loss[] }[]
}

/**
 * Creates the advised indexes in the database, and times every statement with them, and without each. Drops
 * them again.
 */
export async function realGain(
  { database, snapshot }: ShopAdvisor,
  indexes: readonly IndexAdvice[],
  shapes: readonly AskedShape[],
  rounds: number,
): Promise<RealGain> {
  const { connection, dialect } = database
  for (const { definition, name, reason } of indexes) {
    const { steps } = schemaChangeSql({ kind: 'create-index', index: definition, name, reason }, snapshot)
    for (const { sql } of steps) await connection.query(sql)
  }
  try {
    await database.analyze()
    const after = new Map<string, number>()
    for (const asked of shapes) after.set(asked.id, await database.timer.ms(asked, rounds))
    const drops: { label: string; losses: Loss[] }[] = []
    for (const index of indexes) {
      const table = index.definition.table.split('.').at(-1)
      const name = quoted(index.name, dialect)
      // MariaDB cannot roll back a DROP, but can ignore an index.
      const drop = [
        dialect === 'mysql' ? `ALTER TABLE ${table} ALTER INDEX ${name} IGNORED` : `DROP INDEX ${name}`,
      ]
      const losses: Loss[] = []
      for (const asked of shapes.filter((shape) => isOf(shape, index))) {
        const loss = await lossOf(database, asked, drop, after.get(asked.id) ?? 0, rounds)
        if (loss !== undefined) losses.push(loss)
      }
      drops.push({
        label: labelOf(index),
        losses: losses.sort((a, b) => b.without / b.with - a.without / a.with),
      })
    }
    return { after, drops }
  } finally {
    for (const { name, definition } of indexes) {
      const on = dialect === 'mysql' ? ` ON ${definition.table.split('.').at(-1)}` : ''
      await connection.query(`DROP INDEX IF EXISTS ${quoted(name, dialect)}${on}`)
    }
  }
}

/** Measures an apparent loss again, together with its baseline. */
async function lossOf(
  { timer }: ShopDatabase,
  asked: AskedShape,
  drop: readonly string[],
  ms: number,
  rounds: number,
): Promise<Loss | undefined> {
  const first = { id: asked.id, with: ms, without: await timer.ms(asked, 1, drop) }
  if (!isLoss(first)) return undefined
  const again = {
    id: asked.id,
    with: await timer.ms(asked, rounds),
    without: await timer.ms(asked, rounds, drop),
  }
  return isLoss(again) ? again : undefined
}

function isLoss({ with: present, without }: Loss): boolean {
  return without >= present * LEAST.factor && without - present >= LEAST.ms
}

function isOf({ sql }: AskedShape, { definition: { table } }: IndexAdvice): boolean {
  return new RegExp(`\\b${table.split('.').at(-1)}\\b`).test(sql)
}

/** The real effect of a wrong answer on its statement. */
export interface RealAnswer {
  readonly bare: number
  /** With the advice, and with the known good answer. `undefined`: there is none. */
  readonly advised: number | undefined
  readonly known: number | undefined
}

/** Times a statement without new indexes, with the advice for it alone, and with the expected answer. */
export async function realAnswer(
  { database, snapshot }: ShopAdvisor,
  { asked, advice }: ShapeVerdict,
  rounds: number,
): Promise<RealAnswer> {
  const { dialect, timer } = database
  const tables = [...new Set(advice.indexes.map(({ definition }) => definition.table.split('.').at(-1)))]
  const advised = advice.indexes.flatMap(({ definition, name, reason }) => {
    const { steps } = schemaChangeSql({ kind: 'create-index', index: definition, name, reason }, snapshot)
    // In a transaction, which is rolled back.
    return steps
      .filter(({ sql }) => /^(CREATE|ALTER TABLE)/.test(sql))
      .map(({ sql }) => sql.replace(' CONCURRENTLY', ''))
  })
  const known = answerOf(asked.shape, dialect).flatMap((need) => createExpected(need, dialect))
  const analyze = (sql: readonly string[]) => [
    ...sql,
    ...tables.map((table) => `ANALYZE ${dialect === 'mysql' ? 'TABLE ' : ''}${table}`),
  ]
  return {
    bare: await timer.ms(asked, rounds),
    advised: advised.length === 0 ? undefined : await timer.ms(asked, rounds, analyze(advised)),
    known: known.length === 0 ? undefined : await timer.ms(asked, rounds, analyze(known)),
  }
}

function quoted(name: string, dialect: ShopDatabase['dialect']): string {
  return dialect === 'mysql' ? `\`${name}\`` : `"${name}"`
}
