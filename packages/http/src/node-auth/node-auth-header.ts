import { createHmac, timingSafeEqual } from 'node:crypto'
import { InvalidOptionError } from '@sluice/core'

/** Carries the proof. What clients send under this name never reaches a node. */
export const NODE_AUTH_HEADER = 'x-sluice-node-auth'
const PATTERN = /^t=(\d{1,12});v1=([\da-f]{64})$/
const MIN_SECRET = 16

/** What the proof is of. */
export interface SignedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly host: string
}

/**
 * The secrets of an option, in order.
 *
 * @throws InvalidOptionError.
 */
export function checkSecrets(name: string, secrets: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets]
  const isGood = list.length > 0 && list.every((one) => typeof one === 'string' && one.length >= MIN_SECRET)
  // Not even a part of a secret belongs into a message.
  if (!isGood) throw new InvalidOptionError(name, `texts of at least ${MIN_SECRET} characters`, typeof secrets)
  return list as readonly string[]
}

/** @param nowSeconds - Of the Unix epoch. */
export function signNodeRequest(secret: string, request: SignedRequest, nowSeconds: number): string {
  return `t=${nowSeconds};v1=${macOf(secret, request, nowSeconds).toString('hex')}`
}

/** Whether one of the secrets made a header's value for this request, not longer ago or ahead than so many seconds. */
export function isSignedBy(
  secrets: readonly string[],
  value: unknown,
  request: SignedRequest,
  nowSeconds: number,
  maxAgeSeconds: number,
): boolean {
  const [, time = '', mac = ''] = (typeof value === 'string' ? PATTERN.exec(value) : null) ?? []
  if (mac === '' || Math.abs(nowSeconds - Number(time)) > maxAgeSeconds) return false
  const given = Buffer.from(mac, 'hex')
  return secrets.some((secret) => timingSafeEqual(given, macOf(secret, request, Number(time))))
}

function macOf(secret: string, { method, path, host }: SignedRequest, seconds: number): Buffer {
  return createHmac('sha256', secret).update(`v1\n${seconds}\n${method}\n${path}\n${host}`).digest()
}
