import { createHmac, timingSafeEqual } from 'node:crypto'
import { InvalidOptionError } from '../../../shared/errors.ts'

/** Carries the proof that a demand to scale is genuine. */
export const SCALING_SIGNATURE_HEADER = 'x-sluice-scaling-signature'
const PATTERN = /^t=(\d{1,12});v1=([\da-f]{64})$/
const MIN_SECRET = 16

/** What the proof is of. */
export interface SignedDemand {
  /** With the query. */
  readonly path: string
  readonly host: string
  readonly body: string
}

/** @throws InvalidOptionError. */
export function checkSecret(name: string, secret: unknown): string {
  // Not even a part of a secret belongs into a message.
  if (typeof secret !== 'string' || secret.length < MIN_SECRET) {
    throw new InvalidOptionError(name, `a text of at least ${MIN_SECRET} characters`, typeof secret)
  }
  return secret
}

/** @param nowSeconds - Of the Unix epoch. */
export function signDemand(secret: string, demand: SignedDemand, nowSeconds: number): string {
  return `t=${nowSeconds};v1=${macOf(secret, demand, nowSeconds).toString('hex')}`
}

/**
 * For those who are told: whether one of the secrets made a header's value for this demand, not longer ago or ahead than so many seconds.
 *
 * @param value - Of the header `x-sluice-scaling-signature`.
 * @param demand - Its body as it came, before it is parsed.
 */
export function isSignedDemand(
  secrets: string | readonly string[],
  value: unknown,
  demand: SignedDemand,
  nowSeconds: number = Math.floor(Date.now() / 1000),
  maxAgeSeconds = 60,
): boolean {
  const [, time = '', mac = ''] = (typeof value === 'string' ? PATTERN.exec(value) : null) ?? []
  if (mac === '' || !(Math.abs(nowSeconds - Number(time)) <= maxAgeSeconds)) return false
  const given = Buffer.from(mac, 'hex')
  const list = typeof secrets === 'string' ? [secrets] : secrets
  return list.some((secret) => timingSafeEqual(given, macOf(checkSecret('secrets', secret), demand, Number(time))))
}

function macOf(secret: string, { path, host, body }: SignedDemand, seconds: number): Buffer {
  return createHmac('sha256', secret).update(`v1\n${seconds}\nPOST\n${path}\n${host}\n${body}`).digest()
}
