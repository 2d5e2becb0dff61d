import { isSignedTimed, signTimed } from '@sluice/core/siblings'

/** Carries the proof. What clients send under this name never reaches a node. */
export const NODE_AUTH_HEADER = 'x-sluice-node-auth'

/** What the proof is of. */
export interface SignedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly host: string
}

/** @param nowSeconds - Of the Unix epoch. */
export function signNodeRequest(secret: string, request: SignedRequest, nowSeconds: number): string {
  return signTimed(secret, linesOf(request), nowSeconds)
}

/** Whether one of the secrets made a header's value for this request, not longer ago or ahead than so many seconds. */
export function isSignedBy(
  secrets: readonly string[],
  value: unknown,
  request: SignedRequest,
  nowSeconds: number,
  maxAgeSeconds: number,
): boolean {
  return isSignedTimed(secrets, value, linesOf(request), nowSeconds, maxAgeSeconds)
}

function linesOf({ method, path, host }: SignedRequest): readonly string[] {
  return [method, path, host]
}
