import { createHash } from 'node:crypto'
import type { Connection, Dialect } from '@sluice/core'
import { replicaErrorOfCode } from '@sluice/core/adapter'

/** Time between attempts while the database cannot be reached. */
const RETRY_MS = 10_000

/** Values of the types that a driver or an app may parse. */
const POSTGRESQL = [
  ...[
    'true',
    String.raw`'\x01'::bytea`,
    '9007199254740993::int8',
    '1::int2',
    '1::int4',
    `'a'::text`,
    '1::oid',
  ],
  ...[
    `'{"a": [1.50]}'::json`,
    `'{"a": [1.50]}'::jsonb`,
    `'<a/>'::xml`,
    `'(1,2)'::point`,
    `'((1,2),(3,4))'::lseg`,
  ],
  ...[`'((1,2),(3,4))'::box`, '1.5::float4', '1.5::float8', `'<(1,2),3>'::circle`, `'1.50'::money`],
  ...[`'10.0.0.1'::inet`, `'a'::bpchar(2)`, `'a'::varchar`, `'2020-01-02'::date`, `'03:04:05'::time`],
  ...[`'2020-01-02 03:04:05.678'::timestamp`, `'2020-01-02 03:04:05.678+00'::timestamptz`],
  ...[`'1 year 2 days 03:04:05.6'::interval`, `'03:04:05+01'::timetz`, `'101'::bit(3)`, `'101'::varbit`],
  ...['1.50::numeric', `'00000000-0000-0000-0000-000000000001'::uuid`],
]

const PROBES: Readonly<Partial<Record<Dialect, string>>> = {
  postgresql: `SELECT ${[...POSTGRESQL, ...POSTGRESQL.map((value) => `ARRAY[${value}]`)]
    .map((value, at) => `${value} AS v${at}`)
    .join(', ')}`,
  sqlite: `SELECT 9007199254740993 AS v0, 1 AS v1, 1.5 AS v2, 'a' AS v3, x'01' AS v4, NULL AS v5`,
}

/**
 * Identifies how the driver converts values, by converting some: Kysely does not expose the driver's
 * settings. On MySQL, the conversion can depend on the column, so it stays unknown.
 */
export class ResultSettings {
  #text: string | undefined
  /** When the next attempt may start. */
  #nextAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly dialect: Dialect,
    private readonly connection: () => Connection | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `undefined`: not known, or not yet. */
  text(ownTypes: readonly number[]): string | undefined {
    if (this.now() >= this.#nextAt) void this.#read()
    return ownTypes.length === 0 ? this.#text : undefined
  }

  async #read(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY
    const probe = PROBES[this.dialect]
    if (probe === undefined) return
    try {
      const rows = await this.connection()?.query(probe)
      if (rows !== undefined) this.#text = createHash('sha256').update(shown(rows)).digest('base64url')
    } catch (error) {
      if (!isAnswer(error)) this.#nextAt = this.now() + RETRY_MS
    }
  }
}

/** Whether the database answered that it lacks a type: it will again. */
function isAnswer(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && replicaErrorOfCode(code) !== 'node'
}

/** A value with its type. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name} ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${shown(field)}`)
  return `${(value.constructor as { name?: string } | undefined)?.name ?? ''} {${fields.join(', ')}}`
}
