import { createHmac, timingSafeEqual } from 'node:crypto'

/** What an unsigned cookie says. */
const UNSIGNED = '*'
const SIGNED = /^([\da-z]{1,11})\.([\w-]{43})$/
/** What the clocks of processes may differ by. */
const SKEW_MS = 300_000

/**
 * The value of a cookie that says no more than that it was set. Signed, it has the time besides, so that it is of no use later, or to somebody else.
 *
 * @param name - The cookie's: what was signed for one is not taken for another.
 * @param now - Milliseconds since 1970.
 */
export function seal(name: string, [secret]: readonly string[], now: number): string {
  if (secret === undefined) return UNSIGNED
  const at = Math.floor(now).toString(36)
  return `${at}.${sign(name, at, secret).toString('base64url')}`
}

/** Whether a value is one that `seal` gave, no longer ago than it says. Without secrets, one that was signed elsewhere is taken as well. */
export function isSealed(value: string, name: string, secrets: readonly string[], now: number, lifetimeMs: number): boolean {
  const [, at, signature] = SIGNED.exec(value) ?? []
  if (secrets.length === 0) return value === UNSIGNED || signature !== undefined
  if (at === undefined || signature === undefined) return false
  const given = Buffer.from(signature, 'base64url')
  // All are tried: how long it takes tells nothing.
  const isSigned = secrets.map((secret) => timingSafeEqual(given, sign(name, at, secret))).includes(true)
  const age = now - Number.parseInt(at, 36)
  return isSigned && age <= lifetimeMs + SKEW_MS && age >= -SKEW_MS
}

function sign(name: string, at: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(`sluice floor\n${name}\n${at}`).digest()
}
