import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkOptions, checkSecrets, isSignedTimed, option, signTimed } from '@sluice/core/siblings'

/** Carries the proof. What clients send under this name never reaches a node. */
export const NODE_AUTH_HEADER = 'x-sluice-node-auth'

/** What the proof is of. */
interface SignedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly host: string
}

/** @param nowSeconds - Of the Unix epoch. */
export function signNodeRequest(secret: string, { method, path, host }: SignedRequest, nowSeconds: number): string {
  return signTimed(secret, [method, path, host], nowSeconds)
}

export interface NodeAuthOptions {
  /** What the proxy and its nodes share: a text of at least 16 characters, or several, any of which will do: to change one, add the new one here first. */
  readonly secrets: string | readonly string[]
  /**
   * Seconds for which a proof is good; clocks may differ by as much. Minimum: `1`.
   * @defaultValue 60
   */
  readonly maxAgeSeconds?: number
}

/**
 * For nodes: tells whether a request came through a proxy that has one of the secrets (its option `nodeAuth`). The proof is of the method, the path with its
 * query, the host and the time; not of the body: TLS keeps that.
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
  checkOptions(options, { secrets: { expected: '', accepts: () => true }, maxAgeSeconds: option.number(1) })
  const secrets = checkSecrets('secrets', options.secrets)
  const { maxAgeSeconds = 60 } = options
  return (request) => {
    const { method = 'GET', url = '/', headers } = request
    // Express takes off what an app is mounted at.
    const path = (request as { readonly originalUrl?: string }).originalUrl ?? url
    const signed = [method, path, headers.host ?? '']
    return isSignedTimed(secrets, headers[NODE_AUTH_HEADER], signed, Math.floor(Date.now() / 1_000), maxAgeSeconds)
  }
}

/**
 * For nodes: middleware that answers 403 to what did not come through a proxy that has one of the secrets. For Express and the like; before the routes.
 *
 * @throws InvalidOptionError.
 */
export function requireNodeAuth(options: NodeAuthOptions): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
  const isFromProxy = nodeAuthVerifier(options)
  return (request, response, next) => {
    if (isFromProxy(request)) next()
    else {
      response.statusCode = 403
      response.end()
    }
  }
}
