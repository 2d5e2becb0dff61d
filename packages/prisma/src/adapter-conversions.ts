import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { functionIdentity, isPgPool, PgTypeParsers } from '@sluice/core/adapter'

/** Options that change no result, or are known by other means. */
const AROUND: ReadonlySet<string> = new Set([
  'onPoolError',
  'onConnectionError',
  'disposeExternalPool',
  'statementNameGenerator',
  'schema',
  'database',
  'shadowDatabaseUrl',
])

/** The members in which the adapters of Prisma have their options. */
const OPTIONS = ['pgOptions', 'mariadbOptions', 'adapterOptions'] as const

/** How the adapters of one factory convert values. Apps can replace the type parsers of `pg` at any time. */
export class AdapterConversions {
  #adapter: WeakRef<SqlDriverAdapter> | undefined
  readonly #parsers = new PgTypeParsers(undefined, () => this.#clients())
  #options: { readonly text: string | undefined } | undefined

  connected(adapter: SqlDriverAdapter): void {
    if (this.#adapter?.deref() === adapter) return
    this.#adapter = new WeakRef(adapter)
    this.#options = undefined
    this.#parsers.watchCommon()
  }

  /** Identifies them in this process, at this moment; `undefined`: connections differ from each other. */
  current(): string | undefined {
    return this.#parsers.ofQuery(undefined)
  }

  /**
   * Identifies them in every process; `undefined`: unknown.
   *
   * @param ownTypes - The OIDs of PostgreSQL types created by extensions and users.
   */
  shared(ownTypes: readonly number[]): string | undefined {
    const adapter = this.#adapter?.deref()
    if (adapter === undefined) return undefined
    this.#options ??= { text: textOf(adapter) }
    const { text } = this.#options
    if (text === undefined || poolOf(adapter) === undefined) return text
    const parsers = this.#parsers.ofClients(ownTypes)
    return parsers === undefined ? undefined : `${text} ${parsers}`
  }

  #clients(): Iterable<unknown> {
    const adapter = this.#adapter?.deref()
    const { _clients: clients } = ((adapter && poolOf(adapter)) ?? {}) as { readonly _clients?: unknown }
    return Array.isArray(clients) ? clients : []
  }
}

function poolOf(adapter: SqlDriverAdapter): object | undefined {
  const { underlyingDriver } = adapter as { underlyingDriver?: () => unknown }
  const pool = typeof underlyingDriver === 'function' ? underlyingDriver.call(adapter) : undefined
  return typeof pool === 'object' && pool !== null && isPgPool(pool) ? pool : undefined
}

function textOf(adapter: SqlDriverAdapter): string | undefined {
  const members = adapter as unknown as Readonly<Record<string, unknown>>
  const replacer = (name: string, value: unknown): unknown => {
    if (AROUND.has(name)) return undefined
    if (typeof value !== 'function') return value
    const identity = functionIdentity(value)
    if (identity === undefined) throw new TypeError('A function that uses variables cannot be compared.')
    return identity
  }
  try {
    return JSON.stringify(
      OPTIONS.map((name) => members[name] ?? null),
      replacer,
    )
  } catch {
    return undefined
  }
}
