import { checkSecrets, isSignedTimed, signTimed } from '../../../shared/signature.ts'

/** Carries the proof that a demand to scale is genuine. */
export const SCALING_SIGNATURE_HEADER = 'x-sluice-scaling-signature'

/** What the proof is of. */
export interface SignedDemand {
  /** With the query. */
  readonly path: string
  readonly host: string
  readonly body: string
}

/** @param nowSeconds - Of the Unix epoch. */
export function signDemand(secret: string, demand: SignedDemand, nowSeconds: number): string {
  return signTimed(secret, linesOf(demand), nowSeconds)
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
  return isSignedTimed(checkSecrets('secrets', secrets), value, linesOf(demand), nowSeconds, maxAgeSeconds)
}

function linesOf({ path, host, body }: SignedDemand): readonly string[] {
  return ['POST', path, host, body]
}
