import { randomBytes, timingSafeEqual } from 'node:crypto'
import { hmacOf } from '@sluice/core/siblings'

/**
 * Returns the values that a `Cookie` header has for a name: several if they were set for several paths or
 * domains.
 */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined || !header.includes(name)) return []
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at >= 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
}

/** Replaces the unique part of a cookie that several browsers may receive. */
const SHARED = '*'
const UNSIGNED = /^(\*|[\w-]{12})$/
const SIGNED = /^([\da-z]{1,11})\.(\*|[\w-]{12})\.([\w-]{43})$/
/** Maximum difference between the clocks of processes. */
const SKEW_MS = 300_000

interface SealParts {
  /** Name of the cookie: a signature for one cookie is not accepted for another. */
  readonly name: string
  /** The first secret signs. Empty: the value is not signed. */
  readonly secrets: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Creates a value that shows only that it was issued. A signed value also contains the time, so that it
 * cannot be used later, or by another client.
 *
 * @param isShared - Whether several browsers may receive the value. Otherwise it is unique.
 */
export function seal({ name, secrets: [secret], now }: SealParts, isShared: boolean): string {
  const own = isShared ? SHARED : randomBytes(9).toString('base64url')
  if (secret === undefined) return own
  const signed = `${Math.floor(now).toString(36)}.${own}`
  return `${signed}.${sign(name, signed, secret).toString('base64url')}`
}

/**
 * Verifies a value that a browser sent. Without secrets, a value that was signed elsewhere is accepted as
 * well.
 *
 * @returns `undefined` if `seal` did not create the value, or it has expired. Its `id` is `undefined` if
 * other browsers may have received it, too.
 */
export function unseal(
  value: string,
  { name, secrets, now }: SealParts,
  lifetimeMs: number,
): { readonly id: string | undefined } | undefined {
  const [, at, own = value, signature] = SIGNED.exec(value) ?? []
  const id = own === SHARED ? undefined : own
  if (secrets.length === 0) return signature !== undefined || UNSIGNED.test(value) ? { id } : undefined
  if (at === undefined || signature === undefined) return undefined
  const received = Buffer.from(signature, 'base64url')
  // All secrets are compared, so the time taken reveals nothing.
  const isSigned = secrets
    .map((secret) => timingSafeEqual(received, sign(name, `${at}.${own}`, secret)))
    .includes(true)
  const age = now - Number.parseInt(at, 36)
  return isSigned && age <= lifetimeMs + SKEW_MS && age >= -SKEW_MS ? { id } : undefined
}

function sign(name: string, text: string, secret: string): Buffer {
  return hmacOf(secret, `sluice consistency\n${name}\n${text}`)
}
