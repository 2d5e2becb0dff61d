import { randomBytes } from 'node:crypto'
import type { LoadBalancingEngine, ServerNode } from '@sluice/core'
import { checkSecrets, hmacOf } from '@sluice/core/siblings'
import { cookieValues } from './headers/cookie-values.ts'

const NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
/** 128 bits. */
const TAG_LENGTH = 22

export interface StickyOptions {
  /**
   * The cookie's name.
   * @defaultValue 'sluice_node'
   */
  readonly cookie?: string
  /**
   * Keys the cookie (HMAC-SHA256), so that clients cannot guess the addresses of nodes or choose a node. Of several secrets the first one writes, and all of
   * them read. Each has at least 16 characters. Proxies that share clients need the same secret.
   * @defaultValue a random one for each proxy
   */
  readonly secret?: string | readonly string[]
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
 * Which node a client stays with, in a cookie of its own. It holds a keyed hash of the node's id and nothing else, so that every proxy that has the same nodes and
 * the same secret can read it.
 */
export class StickyCookie {
  readonly #name: string
  readonly #secrets: readonly string[]
  /** One for each secret. */
  readonly #tags = new WeakMap<ServerNode, readonly string[]>()

  constructor(
    private readonly balancer: LoadBalancingEngine,
    private readonly options: StickyOptions,
  ) {
    const { cookie = 'sluice_node', secret = randomBytes(32).toString('base64url') } = options
    this.#name = cookie
    this.#secrets = checkSecrets('sticky.secret', secret)
  }

  /** The node that a client was with before; `undefined` where there is none, or it is no more. */
  homeOf(header: string | undefined): ServerNode | undefined {
    const [tag] = cookieValues(header, this.#name)
    if (tag?.length !== TAG_LENGTH) return undefined
    return this.balancer.nodes.find((node) => this.#tagsOf(node).includes(tag))
  }

  /** What a client is told that was answered by a node; `undefined` where it is to stay with another one, which was only busy. */
  header(home: ServerNode | undefined, answered: ServerNode, isTls: boolean): string | undefined {
    if (home === answered) return undefined
    if (home !== undefined && isWellAndFull(home)) return undefined
    const { maxAgeSeconds, secure = isTls, sameSite = 'lax' } = this.options
    const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.floor(maxAgeSeconds)}`
    const site = `${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`
    return `${this.#name}=${this.#tagsOf(answered)[0]}; Path=/; HttpOnly; SameSite=${site}${age}${secure ? '; Secure' : ''}`
  }

  #tagsOf(node: ServerNode): readonly string[] {
    let tags = this.#tags.get(node)
    if (tags === undefined) {
      const text = `sluice sticky\n${this.#name}\n${node.id}`
      tags = this.#secrets.map((secret) => hmacOf(secret, text).toString('base64url').slice(0, TAG_LENGTH))
      this.#tags.set(node, tags)
    }
    return tags
  }
}

function isWellAndFull({ status, activeConnections, maxConnections }: ServerNode): boolean {
  return (status === 'healthy' || status === 'degraded') && activeConnections >= maxConnections
}
