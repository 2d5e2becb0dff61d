import { randomBytes, timingSafeEqual } from 'node:crypto'
import { hmacOf } from '@sluice/core/siblings'

/** In place of what tells a cookie from others. */
const SHARED = '*'
const UNSIGNED = /^(\*|[\w-]{12})$/
const SIGNED = /^([\da-z]{1,11})\.(\*|[\w-]{12})\.([\w-]{43})$/
/** What the clocks of processes may differ by. */
const SKEW_MS = 300_000

export interface SealParts {
  /** The cookie's: what was signed for one is not taken for another. */
  readonly name: string
  /** The first one signs; none: it is not signed. */
  readonly secrets: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * A value that says no more than that it was given. Signed, it has the time besides, so that it is of no use later, or to somebody else.
 *
 * @param isShared - Whether several browsers may be given it. Otherwise it is one that was never given before.
 */
export function seal({ name, secrets: [secret], now }: SealParts, isShared: boolean): string {
  const own = isShared ? SHARED : randomBytes(9).toString('base64url')
  if (secret === undefined) return own
  const signed = `${Math.floor(now).toString(36)}.${own}`
  return `${signed}.${sign(name, signed, secret).toString('base64url')}`
}

/**
 * Looks at a value that a browser brings. Without secrets, one that was signed elsewhere is taken as well.
 *
 * @returns `undefined` where `seal` did not give it, or longer ago than it lives. Its `id`: `undefined` where others may have been given it, too.
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
  const given = Buffer.from(signature, 'base64url')
  // All are tried: how long it takes tells nothing.
  const isSigned = secrets.map((secret) => timingSafeEqual(given, sign(name, `${at}.${own}`, secret))).includes(true)
  const age = now - Number.parseInt(at, 36)
  return isSigned && age <= lifetimeMs + SKEW_MS && age >= -SKEW_MS ? { id } : undefined
}

function sign(name: string, text: string, secret: string): Buffer {
  return hmacOf(secret, `sluice floor\n${name}\n${text}`)
}
