import postgresDriver from '@prisma/orm-postgres/driver/runtime'

/** A row as the driver returns it, before Prisma decodes it. */
export type RawRow = Record<string, unknown>

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
