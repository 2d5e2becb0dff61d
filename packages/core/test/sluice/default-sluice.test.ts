import { describe, expect, it, onTestFinished } from 'vitest'
import { DefaultSluice } from '../../src/sluice/default-sluice.ts'

const GETTERS = {
  database: ({ sluice }: DefaultSluice) => sluice.database,
  cache: (of: DefaultSluice, isChosen: boolean) => (isChosen ? of.cache(5_000_000) : of.cache()),
  queries: ({ sluice }: DefaultSluice) => sluice.queries,
  balancer: (of: DefaultSluice, isChosen: boolean) =>
    isChosen ? of.balancer('least-connections') : of.balancer(),
  jobs: ({ sluice }: DefaultSluice) => sluice.jobs,
  monitor: ({ sluice }: DefaultSluice) => sluice.monitor,
} as const
type Name = keyof typeof GETTERS

function permutations<T>(items: readonly T[]): (readonly T[])[] {
  return items.length < 2
    ? [items]
    : items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

function open(): DefaultSluice {
  const of = new DefaultSluice()
  onTestFinished(() => of.sluice.close())
  return of
}

describe('getters of the process-wide engines', () => {
  const orders = permutations(Object.keys(GETTERS) as Name[])

  async function getAll(
    order: readonly Name[],
    chosen: Readonly<Record<'cache' | 'balancer', boolean>>,
  ): Promise<void> {
    const of = new DefaultSluice()
    const engines = order.map((name) => GETTERS[name](of, name in chosen && chosen[name as 'cache']))
    expect(new Set(engines).size, order.join()).toBe(6)
    expect(of.cache().getStats().totalMemory, order.join()).toBe(chosen.cache ? 5_000_000 : 100 * 1024 * 1024)
    expect(of.balancer().strategy, order.join()).toBe(chosen.balancer ? 'least-connections' : 'round-robin')
    await of.sluice.close()
  }

  it('work in all 720 orders', async () => {
    expect(orders).toHaveLength(720)
    for (const order of orders) await getAll(order, { cache: true, balancer: true })
  }, 120_000)

  it.each([
    [false, false],
    [true, false],
    [false, true],
  ])('work without arguments (bytes: %s, strategy: %s)', async (cache, balancer) => {
    for (const order of orders.filter((_, at) => at % 30 === 0)) await getAll(order, { cache, balancer })
  })

  it('return the same engine again, with the same argument and without one', () => {
    const of = open()
    const cache = of.cache(5_000_000)
    expect([of.cache(), of.cache(5_000_000), of.sluice.cache]).toEqual([cache, cache, cache])
    const balancer = of.balancer('random')
    expect([of.balancer(), of.balancer('random'), of.sluice.balancer]).toEqual([balancer, balancer, balancer])
  })

  it('throw for a different argument once the engine exists', () => {
    const of = open()
    const refused = expect.objectContaining({ code: 'SLUICE_ALREADY_CREATED' })
    of.cache(5_000_000)
    expect(() => of.cache(6_000_000)).toThrow(refused)
    expect(of.cache().getStats().totalMemory).toBe(5_000_000)
    of.balancer()
    expect(() => of.balancer('random')).toThrow(refused)
    expect(of.balancer('round-robin').strategy).toBe('round-robin')
  })

  it('throw for an argument once the engine was used through the Sluice', () => {
    const of = open()
    of.sluice.cache?.set('n', 'k', 1)
    of.sluice.balancer?.registerNode('127.0.0.1', 80)
    const refused = expect.objectContaining({ code: 'SLUICE_ALREADY_CREATED' })
    expect(() => of.cache(5_000_000)).toThrow(refused)
    expect(() => of.balancer('random')).toThrow(refused)
  })

  it('ignore a rejected argument', () => {
    const of = open()
    expect(() => of.cache(-1)).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }))
    expect(() => of.balancer('best' as 'random')).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }),
    )
    expect(of.cache(5_000_000).getStats().totalMemory).toBe(5_000_000)
    expect(of.balancer('random').strategy).toBe('random')
  })
})
