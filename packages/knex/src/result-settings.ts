import { createHash } from 'node:crypto'
import { settingsOf, typeParsersOf } from './internals/client.ts'
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
/** The source of a bound function: it contains no information. */
const NAMELESS = /^function \(\) \{\s*\[native code\]\s*\}$/

/**
 * Settings that determine how an instance converts database values: the settings of its connections, and how
 * its driver parses types. Functions are identified by their source. The same in every process with the same
 * settings; `undefined` if that cannot be determined.
 *
 * @param ownTypes - The OIDs of PostgreSQL types created by extensions and users.
 */
export function resultSettings(
  client: ClientInternals,
  ownTypes: readonly number[] = [],
): string | undefined {
  try {
    const text = JSON.stringify([settingsOf(client), typeParsersOf(client, ownTypes)], replacer)
    return createHash('sha256').update(text).digest('base64url')
  } catch {
    // It contains a bound function, or a circular reference.
    return undefined
  }
}

function replacer(name: string, value: unknown): unknown {
  if (AROUND.has(name)) return undefined
  if (ADDRESSES.has(name) && typeof value === 'string') return value.split('?')[1]
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'function') return value
  const text = String(value)
  if (NAMELESS.test(text)) throw new TypeError('A bound function cannot be compared.')
  return text
}
