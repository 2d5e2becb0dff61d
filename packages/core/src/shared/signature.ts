import { InvalidOptionError } from './errors.ts'
import { createHmac, timingSafeEqual } from './late-modules.ts'

const TIMED = /^t=(\d{1,12});v1=([\da-f]{64})$/
const MIN_SECRET = 16

/** HMAC-SHA-256 of a string. */
export function hmacOf(secret: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}

/** @throws InvalidOptionError. */
export function checkSecret(name: string, secret: unknown): string {
  // Not even a part of a secret belongs in a message.
  if (typeof secret !== 'string' || secret.length < MIN_SECRET)
    throw new InvalidOptionError(name, `a string of at least ${MIN_SECRET} characters`, typeof secret)
  return secret
}

/**
 * The secrets of an option that takes one or several, in order.
 *
 * @throws InvalidOptionError.
 */
export function checkSecrets(name: string, secrets: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(secrets) && secrets.length > 0 ? secrets : [secrets]
  return list.map((secret) => checkSecret(name, secret))
}

/**
 * Signs lines of text and the time: `t=<seconds>;v1=<HMAC in hexadecimal digits>`.
 *
 * @param nowSeconds - Seconds since the Unix epoch.
 */
export function signTimed(secret: string, lines: readonly string[], nowSeconds: number): string {
  return `t=${nowSeconds};v1=${timedMac(secret, lines, nowSeconds).toString('hex')}`
}

/** Whether one of the secrets signed these lines, at most `maxAgeSeconds` ago or ahead. */
export function isSignedTimed(
  secrets: readonly string[],
  signature: unknown,
  lines: readonly string[],
  nowSeconds: number,
  maxAgeSeconds: number,
): boolean {
  const [, time = '', mac = ''] = (typeof signature === 'string' ? TIMED.exec(signature) : null) ?? []
  if (mac === '' || !(Math.abs(nowSeconds - Number(time)) <= maxAgeSeconds)) return false
  return isSignedBy(secrets, Buffer.from(mac, 'hex'), (secret) => timedMac(secret, lines, Number(time)))
}

/** Whether one of the secrets produces this MAC of 32 bytes. Compares in constant time. */
export function isSignedBy(
  secrets: readonly string[],
  given: Buffer,
  macOf: (secret: string) => Buffer,
): boolean {
  return given.length === 32 && secrets.some((secret) => timingSafeEqual(given, macOf(secret)))
}

function timedMac(secret: string, lines: readonly string[], seconds: number): Buffer {
  return hmacOf(secret, ['v1', seconds, ...lines].join('\n'))
}
