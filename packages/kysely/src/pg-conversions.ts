import type { Connection } from '@sluice/core'
import { bindsDate, dateFormOf, PgTypeParsers } from '@sluice/core/adapter'
import type { DatabaseConnection } from 'kysely'
import type { Conversions } from './conversions.ts'
import { type PgClientTypes, PgTypesProbe } from './pg-types-probe.ts'
import type { PgWire } from './pg-wire.ts'
import { rawQuery } from './raw-query.ts'

/** Time between attempts while the database cannot be reached. */
const RETRY_MS = 10_000

/**
 * Follows how the clients of `pg` behind a driver of Kysely convert values. Kysely exposes no client, but
 * passes it the SQL of a query unchanged.
 */
export class PgConversions implements Conversions {
  readonly #seen = new WeakMap<DatabaseConnection, PgWire | undefined>()
  /** The clients that are open, with the number of their types that are compared. */
  readonly #clients = new Map<PgClientTypes, number>()
  readonly #parsers = new PgTypeParsers(undefined, () => this.#clients.keys())
  /** Whether a client does not show its parsers: one of another driver, or in pipeline mode. */
  #isHidden = false
  #mapper: ((value: unknown) => unknown) | undefined
  /** When the next attempt to read how dates are sent may start. */
  #nextAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly connection: () => Connection | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Reads the parsers of a connection before its first query. */
  see(connection: DatabaseConnection): Promise<void> | undefined {
    if (this.#seen.has(connection)) return undefined
    const probe = new PgTypesProbe()
    send(connection, probe)
    this.#seen.set(connection, probe.client?.wire)
    if (probe.client === undefined) this.#isHidden = true
    else this.#clients.set(probe.client, 0)
    // From now on, a change is noticed.
    this.#parsers.ofQuery(undefined)
    // Until then, the probe is the query that the client executes.
    return new Promise((resolve) => process.nextTick(resolve))
  }

  wireOf(connection: DatabaseConnection): PgWire | undefined {
    return this.#seen.get(connection)
  }

  /** Identifies how a read is converted at this moment, in this process; `undefined`: unknown. */
  ofRead(params: readonly unknown[]): string | undefined {
    this.#learnTypes()
    const parsers = this.#parsers.ofQuery(undefined)
    if (parsers === undefined || this.#isHidden || !bindsDate(params)) return parsers
    if (this.#mapper === undefined && this.now() >= this.#nextAt) void this.#readMapper()
    return this.#mapper === undefined ? undefined : `${parsers} ${dateFormOf(this.#mapper)}`
  }

  /** Identifies the conversions in every process; `undefined`: unknown, or not known yet. */
  shared(ownTypes: readonly number[]): string | undefined {
    if (this.#isHidden) return undefined
    this.#learnTypes()
    return this.#parsers.ofClients(ownTypes)
  }

  #learnTypes(): void {
    for (const [client, known] of this.#clients) {
      const { converted, isEnded } = client
      if (known < converted.length) {
        const types = converted.slice(known)
        this.#parsers.add(
          types,
          types.map(({ parser }) => parser),
        )
        this.#clients.set(client, converted.length)
      }
      if (isEnded) this.#clients.delete(client)
    }
  }

  /** `pg` passes each value that converts itself the function with which it converts dates. */
  async #readMapper(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY
    const value = {
      toPostgres: (mapper: (value: unknown) => unknown) => {
        this.#mapper = mapper
        return ''
      },
    }
    try {
      await this.connection()?.query('SELECT $1::text', [value])
    } catch {
      // The next attempt follows.
    }
    this.#nextAt = this.now() + RETRY_MS
  }
}

/**
 * The client receives the probe before this returns, and Kysely ignores that it has no rows. A method that
 * the app put on the connection, such as one that logs, is not called.
 */
function send(connection: DatabaseConnection, probe: PgTypesProbe): void {
  const { executeQuery } = Object.getPrototypeOf(connection) as Partial<DatabaseConnection>
  const query = { ...rawQuery(''), sql: probe as unknown as string }
  try {
    executeQuery?.call(connection, query).catch(() => {})
  } catch {
    // Another driver.
  }
}
