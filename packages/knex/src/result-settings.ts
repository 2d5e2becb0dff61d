import { createHash } from 'node:crypto'
import type { ClientInternals } from './internal-types.ts'
import { settingsOf, typeParsersOf } from './internals.ts'

/** What says where the database is, who asks, and how long they wait; all else may change what results look like. */
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
/** These hold an address, and settings behind a question mark. */
const ADDRESSES = new Set(['connectionString', 'uri'])
/** The text of a function that was bound: it tells nothing. */
const NAMELESS = /^function \(\) \{\s*\[native code\]\s*\}$/

/**
 * By what an instance makes values of what its database answers: the settings of its connections, and how its driver reads types. Functions
 * are known by their text. The same in every process that does the same; `undefined` where that cannot be told.
 *
 * @param ownTypes - The oids of types of PostgreSQL that extensions and users made.
 */
export function resultSettings(client: ClientInternals, ownTypes: readonly number[] = []): string | undefined {
  try {
    const text = JSON.stringify([settingsOf(client), typeParsersOf(client, ownTypes)], replacer)
    return createHash('sha256').update(text).digest('base64url')
  } catch {
    // Something in it is bound, or refers to itself.
    return undefined
  }
}

function replacer(name: string, value: unknown): unknown {
  if (AROUND.has(name)) return undefined
  if (ADDRESSES.has(name) && typeof value === 'string') return value.split('?')[1]
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'function') return value
  const text = String(value)
  if (NAMELESS.test(text)) throw new TypeError('A bound function tells nothing.')
  return text
}
