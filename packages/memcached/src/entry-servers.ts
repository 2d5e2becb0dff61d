import type { MetaClient } from './meta-client.ts'

interface EntryServer {
  readonly client: MetaClient
  readonly seed: number
}

/**
 * The servers of entries. Each entry has one, by rendezvous hashing (Thaler and Ravishankar, 1998): if a
 * server leaves the list, its entries move, and no others.
 */
export class EntryServers {
  readonly #servers: readonly EntryServer[]

  /** @param clients - By address. */
  constructor(readonly clients: ReadonlyMap<string, MetaClient>) {
    this.#servers = [...clients].map(([address, client]) => ({ client, seed: hash(address) }))
  }

  get isEmpty(): boolean {
    return this.#servers.length === 0
  }

  /** @param id - A key whose last characters are random. */
  of(id: string): MetaClient {
    const point = hash(id.slice(-12))
    let best = this.#servers[0] as EntryServer
    let most = -1
    for (const server of this.#servers) {
      const score = mix(server.seed ^ point)
      if (score <= most) continue
      most = score
      best = server
    }
    return best.client
  }

  close(): void {
    for (const { client } of this.#servers) client.close()
  }
}

/** FNV-1a, mixed, as an unsigned 32-bit integer. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return mix(value)
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
