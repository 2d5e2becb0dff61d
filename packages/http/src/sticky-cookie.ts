import { randomBytes } from 'node:crypto'
import type { LoadBalancingEngine, ServerNode } from '@sluice/core'
import { checkSecrets, hmacOf } from '@sluice/core/siblings'
import { cookieValues } from './headers/cookies.ts'

const NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
/** 128 bits. */
const TAG_LENGTH = 22

export interface StickyOptions {
  /**
   * Name of the cookie.
   * @defaultValue 'sluice_node'
   */
  readonly cookie?: string
  /**
   * Key of the cookie's hash (HMAC-SHA256), so that clients can neither guess the addresses of nodes nor
   * select a node. The first secret writes cookies, and all of them read cookies. Each has at least 16
   * characters. Proxies that share clients need the same secret.
   * @defaultValue a random secret for each proxy
   */
  readonly secret?: string | readonly string[]
  /**
   * Lifetime of the cookie, in seconds. If you omit it: until the browser is closed. Minimum: `1`.
   * @defaultValue none
   */
  readonly maxAgeSeconds?: number
  /**
   * Whether the cookie is sent over TLS only.
   * @defaultValue whether the request arrived over TLS
   */
  readonly secure?: boolean
  /**
   * Whether the cookie is sent from other sites.
   * @defaultValue 'lax'
   */
  readonly sameSite?: 'lax' | 'strict' | 'none'
}

export function isCookieName(value: unknown): boolean {
  return typeof value === 'string' && NAME.test(value)
}

/**
 * Assigns a client to a node with a cookie. The cookie contains only a keyed hash of the node's id, so every
 * proxy with the same nodes and the same secret can read it.
 */
export class StickyCookie {
  readonly #name: string
  readonly #secrets: readonly string[]
  /** One tag per secret. */
  readonly #tags = new WeakMap<ServerNode, readonly string[]>()

  constructor(
    private readonly balancer: LoadBalancingEngine,
    private readonly options: StickyOptions,
  ) {
    const { cookie = 'sluice_node', secret = randomBytes(32).toString('base64url') } = options
    this.#name = cookie
    this.#secrets = checkSecrets('sticky.secret', secret)
  }

  /** Returns the client's previous node; `undefined` if it has none, or the node was removed. */
  homeOf(header: string | undefined): ServerNode | undefined {
    const [tag] = cookieValues(header, this.#name)
    if (tag?.length !== TAG_LENGTH) return undefined
    return this.balancer.nodes.find((node) => this.#tagsOf(node).includes(tag))
  }

  /**
   * Returns the cookie for a response from a node; `undefined` if the client is already assigned to this
   * node, or stays assigned to another node that was only busy.
   */
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
