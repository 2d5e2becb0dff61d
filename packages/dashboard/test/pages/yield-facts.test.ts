import { type Operation, SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { mergeYield } from '../../src/processes/merge/merge-engine-pages.ts'
import type { YieldPage } from '../../src/protocol/index.ts'
import { FakeClock, openWorld, type World } from '../world.ts'

const page = async ({ ask }: World): Promise<YieldPage> => (await ask('/api/yield')).body

/** Reads the same row in as many scopes. */
async function reads({ sluice }: World, times: number): Promise<void> {
  const host = hostOf(sluice)
  const source = { id: 'memory', orm: 'memory', dialect: 'sqlite', seesStatements: false } as const
  const catalog = { dialect: 'sqlite', defaultSchema: 'main', tables: [], foreignKeys: [] } as const
  host.catalogs.set(source.id, new SchemaCatalog(catalog))
  const operation: Operation = {
    source,
    kind: 'read',
    shape: { fingerprint: 'a', label: 'City.findFirst', kind: 'read' },
    inTransaction: false,
    run: async () => [],
    lookup: () => ({ refused: 'NO_KEY_FIELD' }),
    cacheRequest: () => ({ key: 'a', tables: ['main.city'] }),
  }
  for (let at = 0; at < times; at += 1) await sluice.run(() => host.execute(operation))
}

describe('yield page', () => {
  it('estimates what optimize would have saved since it was requested', async () => {
    const clock = new FakeClock()
    const world = await openWorld({}, { clock })
    await reads(world, 2)
    expect(await page(world)).toEqual({ isRecording: false, processes: 0, report: null })
    expect((await world.act('record-yield', {})).body).toEqual({ done: true })
    expect(await page(world)).toEqual({ isRecording: true, processes: 1, report: null })
    await reads(world, 4)
    clock.advance(5_000)
    const { report } = await page(world)
    expect(report).toMatchObject({ statements: 4, optimize: { cached: 3 } })
    // Each estimate takes time, so it is used for 5 seconds.
    await reads(world, 4)
    clock.advance(4_999)
    expect((await page(world)).report).toEqual(report)
    clock.advance(1)
    expect((await page(world)).report).toMatchObject({ statements: 8 })
  })

  it('is for mode observe', async () => {
    const world = await openWorld({}, { mode: 'optimize' })
    const { status, body } = await world.act('record-yield', {})
    expect([status, body]).toEqual([
      409,
      { error: { code: 'OFF', message: 'The mode is `optimize`. Estimates are for mode `observe`.' } },
    ])
    expect(hostOf(world.sluice).isOptimizing()).toBe(true)
    expect((await page(world)).isRecording).toBe(false)
  })

  it('rejects unknown fields', async () => {
    const world = await openWorld()
    expect((await world.act('record-yield', { seconds: 5 })).status).toBe(400)
  })

  it('adds up processes', async () => {
    const world = await openWorld()
    await world.act('record-yield', {})
    await reads(world, 3)
    const own = await page(world)
    const silent: YieldPage = { isRecording: false, processes: 0, report: null }
    expect(mergeYield([own, silent, own])).toMatchObject({
      isRecording: true,
      processes: 2,
      report: { statements: 6, optimize: { cached: 4 } },
    })
    expect(mergeYield([silent, silent])).toEqual(silent)
  })
})
