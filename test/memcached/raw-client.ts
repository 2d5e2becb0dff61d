import { MetaClient } from '../../packages/memcached/src/meta-client.ts'
import type { MemcachedServer } from '../services/memcached-server.ts'
import type { Random } from '../support/random.ts'

const PER_CALL = 400
const MAX_BYTES = 200
let floods = 0

/** A connection without a store. */
export async function clientOf(
  { port }: Pick<MemcachedServer, 'port'>,
  cleanups: (() => unknown)[],
): Promise<MetaClient> {
  const address = { host: '127.0.0.1', port }
  const client = new MetaClient({ address, timeoutMs: 10_000, tls: undefined, auth: undefined })
  cleanups.push(() => client.close())
  await client.connected()
  return client
}

/**
 * Stores items of all sizes up to 200 bytes.
 *
 * @returns Their keys, as far as the server stored them.
 */
export async function flood(client: MetaClient, random: Random, count: number): Promise<string[]> {
  const stored: string[] = []
  for (let sent = 0; sent < count; sent += PER_CALL) {
    const keys: string[] = []
    const commands: string[] = []
    for (let at = 0; at < PER_CALL; at += 1) {
      floods += 1
      const size = 1 + random.below(MAX_BYTES)
      keys.push(`flood${floods}`)
      commands.push(`ms flood${floods} ${size} T0\r\n${'x'.repeat(size)}\r\n`)
    }
    const replies = await client.send([commands.join('')], commands.length)
    for (const [at, reply] of replies.entries()) if (reply.code === 'HD') stored.push(keys[at] as string)
  }
  return stored
}
