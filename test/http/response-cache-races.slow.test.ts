import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type SluiceOptions } from '@sluice/core'
import type { CacheStore, StoreWatcher } from '@sluice/core/stores'
import { createResponseCache } from '@sluice/http'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { type CityTable, cityTable } from './city-table.ts'
import { frameworks, type Served } from './servers.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const ROWS = [1, 2]
const ROUNDS = 60
const framework = frameworks.at(-1)

/** A client that reads and writes: like a separate process, but in this one. */
interface Peer extends CityTable, Served {}

async function peer(options: SluiceOptions, filename: string, pause: () => Promise<void>): Promise<Peer> {
  const table = await cityTable(options, filename)
  closing.push(() => table.close())
  const served = await framework?.serve(table.sluice, [
    {
      path: '/all',
      answer: async () => {
        // Two reads, with a possible write in between.
        const first = await table.db('cities').where({ id: 1 }).first()
        await pause()
        const second = await table.db('cities').where({ id: 2 }).first()
        await pause()
        return { body: JSON.stringify([first.people, second.people]) }
      },
    },
    {
      path: '/list',
      answer: async () => {
        const cities = await table.db('cities').orderBy('id')
        await pause()
        return { body: JSON.stringify(cities.map(({ people }: { people: number }) => people)) }
      },
    },
  ])
  if (served === undefined) throw new Error('There is no framework.')
  closing.push(() => served.close())
  return { ...table, ...served }
}

async function race(
  seed: number,
  optionsOf: readonly SluiceOptions[],
): Promise<{ readonly answered: number; readonly hits: number }> {
  const source = new Random(seed)
  const random = () => source.next()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-race-'))
  closing.push(async () => rmSync(folder, { recursive: true, force: true }))
  const pause = async () => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve))
  }
  const peers: Peer[] = []
  for (const options of optionsOf) peers.push(await peer(options, join(folder, 'cities.sqlite'), pause))
  const any = () => peers[Math.floor(random() * peers.length)] as Peer
  /** The acknowledged and the returned value of each row. */
  const acknowledged = [1, 1]
  const returned = [1, 1]
  let answered = 0
  let next = 1

  const write = async () => {
    const { db } = any()
    next += 1
    const value = next
    const both = random() < 0.3
    const row = random() < 0.5 ? 0 : 1
    // The writes of a row are sequential, so that its values only grow.
    const set = async (run: (id: number) => Promise<unknown>, rows: readonly number[]) => {
      for (const at of rows) await run(ROWS[at] as number)
    }
    if (both)
      await db.transaction((trx) =>
        set((id) => trx('cities').where({ id }).update({ people: value }), [0, 1]),
      )
    else await set((id) => db('cities').where({ id }).update({ people: value }), [row])
    for (const at of both ? [0, 1] : [row]) acknowledged[at] = Math.max(acknowledged[at] as number, value)
  }
  const read = async () => {
    const floors = acknowledged.map((value, at) => Math.max(value, returned[at] as number))
    const values = JSON.parse(await text(`${any().url}${random() < 0.5 ? '/all' : '/list'}`)) as number[]
    answered += 1
    for (const [at, value] of values.entries()) {
      if (value < (floors[at] as number))
        throw new Error(`Seed ${seed}: row ${at + 1} was ${floors[at]}, and ${value} was answered.`)
      returned[at] = Math.max(returned[at] as number, value)
    }
  }
  const writer = async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await write()
      for (let turns = Math.floor(random() * 12); turns > 0; turns -= 1) await pause()
    }
  }
  const reader = async () => {
    for (let round = 0; round < ROUNDS * 2; round += 1) {
      await read()
      await pause()
    }
  }
  await Promise.all([writer(), reader(), reader(), reader(), reader()])
  const hits = peers.reduce((sum, { sluice }) => {
    const { hits: own, coalesced } = createResponseCache(sluice).getStats()
    return sum + own + coalesced
  }, 0)
  return { answered, hits }
}

/** Delays notifications of other processes' writes: strict consistency must not depend on them. */
function lateToHear(store: CacheStore): CacheStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'watch') {
        return ({ invalidated, lost }: StoreWatcher) =>
          target.watch({ invalidated: (tags) => void setTimeout(() => invalidated(tags), 25), lost })
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function text(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
    })
      .on('error', reject)
      .end()
  })
}

describe('cached responses in races of writers and readers', { retry: 0 }, () => {
  it.each([1, 2, 3, 4, 5])(
    'are never older than an acknowledged or returned value, in one process (seed %i)',
    async (seed) => {
      const { answered, hits } = await race(seed, [{}])
      expect(answered).toBe(ROUNDS * 8)
      expect(hits).toBeGreaterThan(answered / 20)
    },
  )

  it.each([1, 2, 3, 4, 5])(
    'are never older between processes that share a cache, in strict consistency (seed %i)',
    async (seed) => {
      const shared = memoryStore()
      const options = (): SluiceOptions => ({
        cache: { ttl: 300, store: lateToHear(shared.fork()), consistency: 'strict' },
      })
      const { answered, hits } = await race(seed, [options(), options()])
      expect(answered).toBe(ROUNDS * 8)
      expect(hits).toBeGreaterThan(answered / 20)
    },
  )
})
