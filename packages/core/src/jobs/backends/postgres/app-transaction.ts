import { InvalidArgumentError } from '../../../shared/errors.ts'

const EXPECTED = 'an open transaction: of an ORM, with raw() or $queryRawUnsafe(), or a client of pg'

/** Queries rows of one string column in the app's transaction. Its errors are passed to the app unchanged. */
export type AppQuery = (sql: string, values: readonly string[]) => Promise<readonly string[]>

/** A transaction whose statements take `?` for a binding. */
interface RawTransaction {
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<unknown>
  readonly isTransaction?: unknown
  readonly client?: { readonly dialect?: unknown }
}

/** A client that exists for one interactive transaction. */
interface InteractiveTransaction {
  $queryRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<unknown>
}

interface PgClient {
  query(sql: string, values: readonly unknown[]): PromiseLike<unknown>
}

/**
 * Returns the query function for the app's transaction, inferred from its methods.
 *
 * @throws InvalidArgumentError if it is not a transaction on PostgreSQL: the task would be added outside the
 * transaction.
 */
export function appQuery(transaction: unknown): AppQuery {
  if (isRawTransaction(transaction))
    return async (sql, values) => textsOf(await transaction.raw(sql.replace(/\$\d+/g, '?'), values))
  if (isInteractiveTransaction(transaction))
    return async (sql, values) => textsOf(await transaction.$queryRawUnsafe(sql, ...values))
  if (isPgClient(transaction)) return async (sql, values) => textsOf(await transaction.query(sql, values))
  throw new InvalidArgumentError('options.transaction', EXPECTED, transaction)
}

function isRawTransaction(value: unknown): value is RawTransaction {
  if (!has(value, 'raw')) return false
  const { isTransaction, client } = value as unknown as RawTransaction
  // An instance outside a transaction runs each statement on a separate connection.
  return isTransaction === true && (client?.dialect === undefined || client.dialect === 'postgresql')
}

function isInteractiveTransaction(value: unknown): value is InteractiveTransaction {
  // A client that connects is not the one of a transaction.
  return has(value, '$queryRawUnsafe') && !has(value, '$connect')
}

function isPgClient(value: unknown): value is PgClient {
  return (
    has(value, 'query') && !has(value, 'raw') && !has(value, '$queryRawUnsafe') && !('totalCount' in value)
  )
}

function has<K extends string>(
  value: unknown,
  name: K,
): value is Readonly<Record<K, (...args: never[]) => unknown>> {
  const isThing = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isThing && typeof (value as Readonly<Record<string, unknown>>)[name] === 'function'
}

/** The only column of the rows, regardless of how the app changes its name. */
function textsOf(result: unknown): readonly string[] {
  const rows: unknown = Array.isArray(result) ? result : (result as { readonly rows?: unknown } | null)?.rows
  const texts: unknown[] = Array.isArray(rows)
    ? rows.map((row: object) => Object.values(row)[0])
    : [undefined]
  if (texts.every((text) => typeof text === 'string')) return texts
  throw new InvalidArgumentError('options.transaction', `${EXPECTED}, which returns rows`, result)
}
