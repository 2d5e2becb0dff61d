import { createHash } from 'node:crypto'
import type { LoadBalancingEngine, ServerNode } from '@sluice/core'
import { cookieValues } from './headers/cookie-values.ts'

const NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
const TAG_LENGTH = 16

export interface StickyOptions {
  /**
   * The cookie's name.
   * @defaultValue 'sluice_node'
   */
  readonly cookie?: string
  /**
   * Seconds that clients keep it; left out: until the browser is closed. Minimum: `1`.
   * @defaultValue none
   */
  readonly maxAgeSeconds?: number
  /**
   * @defaultValue whether the request came over TLS
   */
  readonly secure?: boolean
  /**
   * @defaultValue 'lax'
   */
  readonly sameSite?: 'lax' | 'strict' | 'none'
}

export function isCookieName(value: unknown): boolean {
  return typeof value === 'string' && NAME.test(value)
}

/**
 * Which node a client stays with, in a cookie of its own. It holds a mark of the node and nothing else, so that every proxy that has the same nodes can read
 * it, and addresses are not told.
 */
export class StickyCookie {
  readonly #name: string
  readonly #tags = new WeakMap<ServerNode, string>()

  constructor(
    private readonly balancer: LoadBalancingEngine,
    private readonly options: StickyOptions,
  ) {
    this.#name = options.cookie ?? 'sluice_node'
  }

  /** The node that a client was with before; `undefined` where there is none, or it is no more. */
  homeOf(header: string | undefined): ServerNode | undefined {
    const [tag] = cookieValues(header, this.#name)
    if (tag?.length !== TAG_LENGTH) return undefined
    return this.balancer.nodes.find((node) => this.#tagOf(node) === tag)
  }

  /** What a client is told that was answered by a node; `undefined` where it is to stay with another one, which was only busy. */
  header(home: ServerNode | undefined, answered: ServerNode, isTls: boolean): string | undefined {
    if (home === answered) return undefined
    if (home !== undefined && isWellAndFull(home)) return undefined
    const { maxAgeSeconds, secure = isTls, sameSite = 'lax' } = this.options
    const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.floor(maxAgeSeconds)}`
    const site = `${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`
    return `${this.#name}=${this.#tagOf(answered)}; Path=/; HttpOnly; SameSite=${site}${age}${secure ? '; Secure' : ''}`
  }

  #tagOf(node: ServerNode): string {
    let tag = this.#tags.get(node)
    if (tag === undefined) {
      tag = createHash('sha256').update(`sluice node ${node.id}`).digest('hex').slice(0, TAG_LENGTH)
      this.#tags.set(node, tag)
    }
    return tag
  }
}

function isWellAndFull({ status, activeConnections, maxConnections }: ServerNode): boolean {
  return (status === 'healthy' || status === 'degraded') && activeConnections >= maxConnections
}
