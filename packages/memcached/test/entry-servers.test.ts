import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { EntryServers } from '../src/entry-servers.ts'
import type { MetaClient } from '../src/meta-client.ts'

const ids = Array.from({ length: 3_000 }, (_, at) => {
  return `shop:e:${createHash('sha256').update(`${at}`).digest('base64url')}`
})
const serversOf = (...names: readonly string[]) =>
  new EntryServers(new Map(names.map((name) => [name, { name } as unknown as MetaClient])))
const nameOf = (servers: EntryServers, id: string) => (servers.of(id) as unknown as { name: string }).name

describe('EntryServers', () => {
  it('distributes entries evenly', () => {
    const servers = serversOf('a:1', 'b:1', 'c:1')
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(nameOf(servers, id), (counts.get(nameOf(servers, id)) ?? 0) + 1)
    for (const name of ['a:1', 'b:1', 'c:1']) {
      expect(counts.get(name)).toBeGreaterThan(900)
      expect(counts.get(name)).toBeLessThan(1_100)
    }
  })

  it('moves only the entries of a server that leaves the list, regardless of the order', () => {
    const [all, others] = [serversOf('a:1', 'b:1', 'c:1'), serversOf('c:1', 'a:1')]
    for (const id of ids) {
      const before = nameOf(all, id)
      if (before !== 'b:1') expect(nameOf(others, id)).toBe(before)
    }
  })
})
