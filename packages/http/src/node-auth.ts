import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  checkOptions,
  checkSecrets,
  isSignedTimed,
  option,
  secretsRule,
  signTimed,
} from '@sluice/core/siblings'

/** Header that contains the proof. The proxy removes headers with this name from client requests. */
export const NODE_AUTH_HEADER = 'x-sluice-node-auth'

/** The parts of a request that the proof covers. */
interface SignedRequest {
  readonly method: string
  /** Includes the query. */
  readonly path: string
  readonly host: string
}

/** @param nowSeconds - Seconds since the Unix epoch. */
export function signNodeRequest(
  secret: string,
  { method, path, host }: SignedRequest,
  nowSeconds: number,
): string {
  return signTimed(secret, [method, path, host], nowSeconds)
}

export interface NodeAuthOptions {
  /**
   * Secrets shared by the proxy and its nodes: a string of at least 16 characters, or several. Any of them is
   * accepted. To rotate a secret, add the new one here first.
   */
  readonly secrets: string | readonly string[]
  /**
   * Seconds for which a proof is valid. Clocks can differ by the same time. Minimum: `1`.
   * @defaultValue 60
   */
  readonly maxAgeSeconds?: number
}

/**
 * For nodes: returns a function that checks whether a request came through a proxy that has one of the
 * secrets (its option `nodeAuth`). The proof covers the method, the path with its query, the host and the
 * time. It does not cover the body, which TLS protects.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * import { nodeAuthVerifier } from '@sluice/http'
 *
 * const isFromProxy = nodeAuthVerifier({ secrets: process.env.NODE_SECRET ?? '' })
 * server.on('upgrade', (request, socket) => {
 *   if (!isFromProxy(request)) socket.destroy()
 * })
 * ```
 */
export function nodeAuthVerifier(options: NodeAuthOptions): (request: IncomingMessage) => boolean {
  checkOptions(options, { secrets: secretsRule, maxAgeSeconds: option.number(1) })
  const secrets = checkSecrets('secrets', options.secrets)
  const { maxAgeSeconds = 60 } = options
  return (request) => {
    const { method = 'GET', url = '/', headers } = request
    // Express removes the path at which an app is mounted.
    const path = (request as { readonly originalUrl?: string }).originalUrl ?? url
    const signed = [method, path, headers.host ?? '']
    return isSignedTimed(
      secrets,
      headers[NODE_AUTH_HEADER],
      signed,
      Math.floor(Date.now() / 1_000),
      maxAgeSeconds,
    )
  }
}

/**
 * For nodes: returns middleware that responds with 403 to requests that did not come through a proxy that has
 * one of the secrets. Use it before the routes, in Express and compatible frameworks.
 *
 * @throws InvalidOptionError.
 */
export function requireNodeAuth(
  options: NodeAuthOptions,
): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
  const isFromProxy = nodeAuthVerifier(options)
  return (request, response, next) => {
    if (isFromProxy(request)) next()
    else {
      response.statusCode = 403
      response.end()
    }
  }
}
