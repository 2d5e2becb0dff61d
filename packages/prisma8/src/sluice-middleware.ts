import postgresDriver from '@prisma/orm-postgres/driver/runtime'
import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'

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

/** A row as the driver returns it, before Prisma decodes it. */
type RawRow = Record<string, unknown>

/** The query that Prisma's driver passes to a client of `pg`. */
interface QueryConfig {
  readonly types?: object
}

type Query = (config: QueryConfig) => Promise<unknown>
type Driver = ReturnType<typeof postgresDriver.create>
type Binding = Extract<Parameters<Driver['connect']>[0], { readonly kind: 'pgPool' }>

/**
 * Reads through Prisma's own driver, with the settings that `postgres()` has. Its type parsers and its errors
 * are those of a query that Prisma sends itself.
 */
export class PrismaReads {
  readonly #driver: Driver = postgresDriver.create({ cursor: { disabled: true } })
  /** The type parsers of its queries: the driver creates an object for each. */
  readonly #types = new WeakSet<object>()

  /** @param pool - The stand-in, whose reads go through Sluice. */
  connect(pool: object): void {
    const { query } = pool as { query: Query }
    const send: Query = (config) => {
      if (config.types !== undefined) this.#types.add(config.types)
      return query(config)
    }
    // A driver sends the queries of one client sequentially, so each read has a separate one.
    const clientsOfReads = { connect: async () => ({ query: send, release() {}, on() {} }), on() {} }
    // It only stores the pool.
    void this.#driver.connect({ kind: 'pgPool', pool: clientsOfReads as unknown as Binding['pool'] })
  }

  read(sql: string, params: readonly unknown[]): AsyncIterable<RawRow> {
    return this.#driver.query<RawRow>({ sql, params })
  }

  /** Identifies the type parsers that Prisma's driver passes with its queries; `undefined` for others. */
  parsersOf(types: object): string | undefined {
    return this.#types.has(types) ? 'prisma' : undefined
  }
}
