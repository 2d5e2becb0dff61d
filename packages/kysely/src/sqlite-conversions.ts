import { createHash } from 'node:crypto'
import type { Connection } from '@sluice/core'
import type { Conversions } from './conversions.ts'

/** Time between attempts while the database cannot be reached. */
const RETRY_MS = 10_000

/** Values that a driver or an app may convert in different ways. */
const PROBE = `SELECT 9007199254740993 AS v0, 1 AS v1, 1.5 AS v2, 'a' AS v3, x'01' AS v4, NULL AS v5`

/**
 * Identifies how a driver of SQLite converts values, by converting some once: Kysely does not expose the
 * driver.
 */
export class SqliteConversions implements Conversions {
  #text: string | undefined
  /** When the next attempt may start. */
  #nextAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly connection: () => Connection | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  see(): undefined {}

  wireOf(): undefined {}

  ofRead(): string {
    return ''
  }

  shared(): string | undefined {
    if (this.now() >= this.#nextAt) void this.#read()
    return this.#text
  }

  async #read(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY
    try {
      const rows = await this.connection()?.query(PROBE)
      if (rows !== undefined) this.#text = createHash('sha256').update(shown(rows)).digest('base64url')
    } catch {
      this.#nextAt = this.now() + RETRY_MS
    }
  }
}

/** A value with its type. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name} ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${shown(field)}`)
  return `${(value.constructor as { name?: string } | undefined)?.name ?? ''} {${fields.join(', ')}}`
}
