import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'
import type { PrismaReads, RawRow } from './prisma-reads.ts'

type InterceptQuery = NonNullable<SqlMiddleware['interceptQuery']>
type Plan = Parameters<InterceptQuery>[0]
type Context = Parameters<InterceptQuery>[1]

/**
 * Reads selects through Sluice. Prisma decodes the rows as usual.
 *
 * @param before - The other middlewares. Prisma skips their `onRow` for rows of a middleware.
 */
export function sluiceMiddleware(
  reads: PrismaReads,
  before: readonly SqlMiddleware[],
  isActive: () => boolean,
): SqlMiddleware {
  const observers = before.filter(({ onRow }) => onRow !== undefined)
  return {
    name: 'sluice',
    familyId: 'sql',
    async interceptQuery(plan, context) {
      if (!isActive() || !isPlainRead(plan, context)) return undefined
      const rows = reads.read(plan.sql, plan.params)
      return { rows: observers.length === 0 ? rows : observed(rows, observers, plan, context) }
    },
  }
}

/**
 * Whether Prisma built this select, sends it on any connection of the pool, and cannot abort it. Raw SQL, and
 * queries of a transaction or of a connection that the app holds, are left to Prisma.
 */
function isPlainRead({ ast }: Plan, { scope, signal }: Context): boolean {
  return scope === 'runtime' && signal === undefined && ast.kind === 'select'
}

async function* observed(
  rows: AsyncIterable<RawRow>,
  observers: readonly SqlMiddleware[],
  plan: Plan,
  context: Context,
): AsyncGenerator<RawRow> {
  for await (const row of rows) {
    for (const observer of observers) await observer.onRow?.(row, plan, context)
    yield row
  }
}
