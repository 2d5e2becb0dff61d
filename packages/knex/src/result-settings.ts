import { createHash } from 'node:crypto'
import { functionIdentity } from '@sluice/core/adapter'
import { settingsOf } from './internals/client.ts'
import type { ClientInternals } from './internals/types.ts'

/**
 * Settings that identify the database, the user and timeouts; any other setting can change the form of
 * results.
 */
const AROUND = new Set([
  'host',
  'port',
  'user',
  'password',
  'database',
  'filename',
  'socketPath',
  'ssl',
  'expirationChecker',
  'application_name',
  'fallback_application_name',
  'connectTimeout',
  'connectionTimeoutMillis',
  'statement_timeout',
  'query_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'keepAlive',
  'keepAliveInitialDelayMillis',
  'enableKeepAlive',
  'keepAliveInitialDelay',
])
/** These contain an address, and settings after a question mark. */
const ADDRESSES = new Set(['connectionString', 'uri'])

/**
 * Settings that determine how an instance converts database values: those of its connections, and its hook
 * for new ones. The same in every process with the same settings; `undefined` if that cannot be determined.
 */
export function resultSettings(client: ClientInternals): string | undefined {
  try {
    const [connection, hook] = settingsOf(client)
    const text = JSON.stringify([connection, hookOf(client, hook)], replacer)
    return createHash('sha256').update(text).digest('base64url')
  } catch {
    // It contains a function that uses variables, or a circular reference.
    return undefined
  }
}

/**
 * The effects of a hook on a server are part of the name of the database, and its effects on the driver are
 * read from the connection. A hook on SQLite may change settings that nothing shows.
 */
function hookOf({ dialect }: ClientInternals, hook: unknown): unknown {
  const isShown = typeof hook === 'function' && dialect !== 'sqlite3' && dialect !== 'better-sqlite3'
  return isShown ? String(hook) : hook
}

function replacer(name: string, value: unknown): unknown {
  if (AROUND.has(name)) return undefined
  if (ADDRESSES.has(name) && typeof value === 'string') return value.split('?')[1]
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'function') return value
  const identity = functionIdentity(value)
  if (identity === undefined) throw new TypeError('A function that uses variables cannot be compared.')
  return identity
}
