import { usesRule } from '@sluice/core/adapter'
import type { BuilderInternals, ClientInternals } from './types.ts'

/**
 * Whether a builder only reads, as far as the builder itself shows: no locks, no common table expressions,
 * and no settings that are not in its SQL.
 */
export function isReplicaRead(builder: BuilderInternals): boolean {
  const { _method: method, _single: single, _statements: statements } = builder
  if (method !== 'select' && method !== 'first' && method !== 'pluck') return false
  if (
    single === undefined ||
    statements === undefined ||
    single.lock !== undefined ||
    single.waitMode !== undefined
  )
    return false
  return isPlain(builder) && !statements.some(({ grouping }) => grouping === 'with')
}

/**
 * Removes a frame from the stack that Knex shows for errors of a builder with `asyncStackTraces`. Knex
 * removes its frames by their number, to which the instrumented method that creates the builder adds one.
 */
export function hideFrame({ _asyncStack: stack }: BuilderInternals): void {
  if (stack !== undefined) stack.lines += 1
}

/**
 * Whether a result served without a query would lose nothing of a builder: it has no listeners except those
 * for `query`, and no separate connection or driver options.
 */
export function isPlain(builder: BuilderInternals): boolean {
  const { _events, _options, _timeout, _connection } = builder
  return (
    (_events === undefined || Object.keys(_events).every((name) => name === 'query')) &&
    (usesRule('query-listeners') || !hasListeners(builder)) &&
    _options === undefined &&
    (_timeout === undefined || _timeout === false) &&
    _connection === undefined
  )
}

/** Whether a builder has listeners. */
export function hasListeners({ _events }: BuilderInternals): boolean {
  return _events !== undefined && Object.keys(_events).length > 0
}

/**
 * Notifies a builder's listeners for `query` of a read that was answered without sending its statement.
 *
 * @returns Whether they left the statement unchanged. Knex passes them the array of bindings itself.
 * @throws Any error of a listener, as Knex does.
 */
export function notifyOfQuery(builder: BuilderInternals): boolean {
  const { bindings, ...query } = builder.toSQL() as { readonly bindings?: unknown }
  if (!Array.isArray(bindings)) return false
  const shown: unknown[] = [...bindings]
  builder.emit('query', { ...query, bindings: shown })
  return shown.length === bindings.length && shown.every((value, at) => Object.is(value, bindings[at]))
}

/**
 * The SQL and bindings of a read, as the driver receives them; `undefined` for several statements. If Knex
 * rejects a builder (for example, for an undefined value), the caller gets that error from Knex itself.
 */
export function compiled(
  client: ClientInternals,
  builder: BuilderInternals,
): { readonly sql: string; readonly bindings: readonly unknown[] } | { readonly error: unknown } | undefined {
  let query: unknown
  try {
    query = builder.toSQL()
  } catch (error) {
    return { error }
  }
  if (Array.isArray(query) || typeof query !== 'object' || query === null) return undefined
  const { sql, bindings, output } = query as { sql?: unknown; bindings?: unknown; output?: unknown }
  if (typeof sql !== 'string' || output !== undefined) return undefined
  return { sql: client.positionBindings(sql), bindings: Array.isArray(bindings) ? bindings : [] }
}
