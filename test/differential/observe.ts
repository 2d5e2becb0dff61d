import type { Order } from './program.ts'

/** Set by Prisma to the time of the write. */
const VOLATILE = new Set(['updatedAt', 'updated_at'])

/** The result of a call as a string: equal for results that a caller cannot distinguish. */
export function describeResult(value: unknown, order: Order): string {
  return write(value, order === 'none')
}

/**
 * An error as callers distinguish errors: its class, its code, and its message without where it was thrown.
 *
 * @param namesModel - Whether it names the model of the failed call. In a batch, Prisma names a different one
 * with query extensions than without.
 */
export function describeError(error: unknown, namesModel = true): string {
  if (!(error instanceof Error)) return `thrown ${String(error)}`
  // The wording depends on how Prisma composed the query.
  if (error.name === 'PrismaClientValidationError') return error.name
  const { code, errno, meta } = error as {
    readonly code?: unknown
    readonly errno?: unknown
    readonly meta?: { modelName?: unknown }
  }
  // The message for Prisma's own batched query is shorter than for a single one.
  const message = error.message
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/\. No record was found for a query\.$/, '')
    // Knex numbers its savepoints across all programs.
    .replace(/\btrx\d+/, 'trx')
    // If a write violates several keys, the database names that of the row it stored first.
    .replace(/(foreign key constraint\b).*/i, '$1')
  // Drizzle's error has the statement, and its cause what the database says.
  const cause = error.constructor.name === 'DrizzleQueryError' ? ` ${describeError(error.cause)}` : ''
  return `${error.constructor.name} ${error.name} ${String(code)} ${String(errno)} ${namesModel ? String(meta?.modelName) : ''}: ${message}${cause}`
}

function write(value: unknown, isSorted: boolean): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Date) return `Date(${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()})`
  if (value instanceof Uint8Array) return `${value.constructor.name}(${Buffer.from(value).toString('hex')})`
  if (isDecimal(value)) return `Decimal(${value.toFixed()})`
  if (Array.isArray(value)) {
    const items = value.map((item) => write(item, isSorted))
    return `[${(isSorted ? items.sort() : items).join(', ')}]`
  }
  if (isPostgresResult(value)) return `${value.command} ${value.rowCount} ${write(value.rows, isSorted)}`
  const prototype: unknown = Object.getPrototypeOf(value)
  const name = prototype === null ? 'null' : prototype === Object.prototype ? '' : value.constructor.name
  const fields = Object.entries(value).map(
    ([field, inner]) => `${field}: ${VOLATILE.has(field) ? '…' : write(inner, isSorted)}`,
  )
  return `${name}{${fields.join(', ')}}`
}

/** Decimals are returned as immutable. */
function isDecimal(value: object): value is { toFixed(): string } {
  return typeof (value as { toFixed?: unknown }).toFixed === 'function'
}

/** The result of Knex for writes on PostgreSQL: it refers to the driver's own tables. */
function isPostgresResult(
  value: object,
): value is { readonly command: string; readonly rowCount: number; readonly rows: unknown } {
  return 'command' in value && 'rowCount' in value && 'rows' in value
}

/** Changes everything in a result that its caller may change, to detect shared objects. */
export function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null || isDecimal(value) || isPostgresResult(value)) return
  if (value instanceof Date) value.setTime(0)
  else if (value instanceof Uint8Array) value.fill(0)
  else if (Array.isArray(value)) {
    value.forEach(spoil)
    value.push('spoilt')
  } else {
    Object.values(value).forEach(spoil)
    Object.assign(value, { spoilt: true })
  }
}
