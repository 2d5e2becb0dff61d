import { createHmac, timingSafeEqual } from './late-modules.ts'
import { checkOption, type OptionRule, option } from './options.ts'

const TIMED = /^t=(\d{1,12});v1=([\da-f]{64})$/
const MIN_SECRET = 16

/** HMAC-SHA-256 of a string. */
export function hmacOf(secret: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}

/** Rule of an option that is a secret. */
export const secretRule: OptionRule = option.protection({
  expected: `a string of at least ${MIN_SECRET} characters`,
  accepts: isSecret,
})

/** Rule of an option that is one secret or several, in order. */
export const secretsRule: OptionRule = option.protection({
  expected: `${secretRule.expected}, or an array of such strings`,
  accepts: (value) => isSecret(value) || (Array.isArray(value) && value.length > 0 && value.every(isSecret)),
})

/**
 * The secrets of an option that takes one or several, in order.
 *
 * @throws InvalidOptionError.
 */
export function checkSecrets(name: string, secrets: string | readonly string[]): readonly string[] {
  checkOption(name, secretsRule, secrets)
  return typeof secrets === 'string' ? [secrets] : [...secrets]
}

function isSecret(value: unknown): boolean {
  return typeof value === 'string' && value.length >= MIN_SECRET
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
  received: Buffer,
  macOf: (secret: string) => Buffer,
): boolean {
  return received.length === 32 && secrets.some((secret) => timingSafeEqual(received, macOf(secret)))
}

function timedMac(secret: string, lines: readonly string[], seconds: number): Buffer {
  return hmacOf(secret, ['v1', seconds, ...lines].join('\n'))
}
