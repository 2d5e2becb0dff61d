import { describe, expect, it, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { responseCacheOn } from './response-cache-world.ts'
import { frameworks } from './servers.ts'

describe.each(frameworks)('concurrent requests to the response cache on $name', (framework) => {
  const { setUp } = responseCacheOn(framework)

  it('runs the route once for concurrent requests', async () => {
    let runs = 0
    const { get, stats } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          const city = await db('cities').where({ id: 1 }).first()
          await new Promise((resolve) => setTimeout(resolve, 50))
          return { body: city.name }
        },
      },
    ])
    const bodies = await Promise.all(Array.from({ length: 10 }, () => get('/it')))
    expect(new Set(bodies.map(({ body }) => body))).toEqual(new Set(['Ghent']))
    expect(runs).toBe(1)
    const { misses, hits, coalesced } = stats()
    expect([misses, hits + coalesced]).toEqual([1, 9])
    expect(coalesced).toBeGreaterThan(0)
  })

  it('lets waiting requests run individually when the first one fails or is not cached', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          const mine = runs
          await db('cities').where({ id: 1 }).first()
          await new Promise((resolve) => setTimeout(resolve, 30))
          if (mine === 1) throw new Error('the first one fails')
          return { body: 'well' }
        },
      },
    ])
    vi.spyOn(console, 'error').mockReturnValue()
    const statuses = (await Promise.all(Array.from({ length: 4 }, () => get('/it')))).map(
      ({ status }) => status,
    )
    vi.restoreAllMocks()
    expect(statuses.toSorted()).toEqual([200, 200, 200, 500])
    expect(runs).toBe(4)
  })

  it('has one of the waiting requests render the next response, and the others wait for it, when a write invalidates the first', async () => {
    let runs = 0
    let goOn = () => {}
    let rename: () => PromiseLike<unknown> = async () => {}
    const { get, sluice } = await setUp(({ db }) => {
      rename = () => db('cities').where({ id: 1 }).update({ name: 'Genf' })
      return [
        {
          path: '/it',
          answer: async () => {
            runs += 1
            const { name } = await db('cities').where({ id: 1 }).first()
            if (runs === 1)
              await new Promise<void>((resolve) => {
                goOn = resolve
              })
            return { body: name }
          },
        },
      ]
    })
    const asked = Array.from({ length: 6 }, () => get('/it'))
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await sluice.run(async () => void (await rename()))
    goOn()
    const bodies = (await Promise.all(asked)).map(({ body }) => body)
    expect(bodies.filter((body) => body === 'Genf')).toHaveLength(5)
    expect(runs).toBe(2)
  })

  it('does not wait for a response whose client disconnected', async () => {
    let runs = 0
    const { get, url } = await setUp(({ db }) => [
      {
        path: '/it',
        cache: { maxWaitMs: 60_000 },
        answer: async () => {
          runs += 1
          await db('cities').where({ id: 1 }).first()
          if (runs === 1) await new Promise(() => {})
          return { body: 'well' }
        },
      },
    ])
    const leaving = new AbortController()
    const left = fetch(`${url}/it`, { signal: leaving.signal }).catch(() => 'left')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    const waiting = get('/it')
    await new Promise((resolve) => setTimeout(resolve, 20))
    leaving.abort()
    expect(await left).toBe('left')
    expect((await waiting).body).toBe('well')
  })

  it('waits for a concurrent request no longer than configured', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        cache: { maxWaitMs: 10 },
        answer: async () => {
          runs += 1
          await db('cities').where({ id: 1 }).first()
          if (runs === 1) await new Promise((resolve) => setTimeout(resolve, 300))
          return { body: String(runs) }
        },
      },
    ])
    const first = get('/it')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    await get('/it')
    expect(runs).toBe(2)
    await first
  })
})
