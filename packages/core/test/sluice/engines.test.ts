import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'

function open(options: SluiceOptions = {}): Sluice {
  const sluice = createSluice(options)
  onTestFinished(() => sluice.close())
  return sluice
}

async function familiesOf(sluice: Sluice): Promise<readonly string[]> {
  return (await sluice.monitor?.collectMetrics())?.map(({ name }) => name) ?? []
}

describe('engines that are created on first use', () => {
  it('are the same with each access', () => {
    const sluice = open()
    for (const name of ['queries', 'cache', 'tiered', 'database', 'balancer', 'jobs', 'monitor'] as const)
      expect(sluice[name], name).toBe(sluice[name])
  })

  it('are not created by exports of metrics', async () => {
    const sluice = open()
    for (let exported = 0; exported < 2; exported += 1) {
      const families = await familiesOf(sluice)
      expect(families).toContain('sluice.operations')
      expect(families.filter((name) => /^sluice\.(cache|tiered|balancer|jobs)\./.test(name))).toEqual([])
    }
    sluice.cache?.get('n', 'k')
    sluice.balancer?.registerNode('127.0.0.1', 80)
    await sluice.jobs?.enqueueTask({ a: 1 })
    const families = await familiesOf(sluice)
    for (const name of ['sluice.cache.reads', 'sluice.balancer.picks', 'sluice.jobs.tasks'])
      expect(families).toContain(name)
  })

  it('contain data that was recorded before', async () => {
    const sluice = open()
    hostOf(sluice).attachPool('pg', () => ({ min: 0, max: 10, used: 3, idle: 2, waiting: 1 }))
    sluice.openScope('GET /a').end()
    expect(await familiesOf(sluice)).toEqual(
      expect.arrayContaining(['db.client.connection.max', 'sluice.scope.duration']),
    )
    expect(sluice.monitor?.getMetricTypes().map(({ name }) => name)).toContain('responseTime')
  })

  it('throw for invalid options when the Sluice is created', () => {
    const wrong: readonly (readonly [option: string, options: object])[] = [
      ['cache.policy', { cache: { policy: 'nonsense' } }],
      ['cache.maxBytes', { cache: { maxBytes: 0 } }],
      ['cache.tiered.ttl', { cache: { tiered: { ttl: -1 } } }],
      ['database.instances', { database: { instances: 0 } }],
      ['database.workload.maxBytes', { database: { workload: { maxBytes: -1 } } }],
      ['balancer.strategy', { balancer: { strategy: 'nonsense' } }],
      ['balancer.ejection', { balancer: { ejection: {} } }],
      ['balancer.maxSessions', { balancer: { maxSessions: 0 } }],
      ['jobs.leaseMs', { jobs: { leaseMs: -1 } }],
      ['jobs.unknown', { jobs: { unknown: 1 } }],
      ['monitor.maxSeries', { monitor: { maxSeries: 1 } }],
      ['monitor.scaling.minWorkers', { monitor: { scaling: { minWorkers: -1 } } }],
      ['detection.threshold', { detection: { threshold: 0 } }],
    ]
    for (const [option, options] of wrong)
      expect(() => createSluice(options), option).toThrow(
        expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }),
      )
  })

  it('use the options at the creation of the Sluice', () => {
    const balancer: { strategy: 'random' | 'nonsense' } = { strategy: 'random' }
    const sluice = open({ balancer: balancer as { strategy: 'random' } })
    balancer.strategy = 'nonsense'
    expect(sluice.balancer?.strategy).toBe('random')
  })

  it('are closed if the Sluice was closed before their first use', async () => {
    const sluice = createSluice()
    await sluice.close()
    const closed = expect.objectContaining({ code: 'SLUICE_CLOSED' })
    expect(() => sluice.cache?.set('n', 'k', 1)).toThrow(closed)
    await expect(sluice.tiered?.getOrLoad('k', () => 1)).rejects.toThrow(closed)
    expect(() => sluice.monitor?.recordMetric('cpu', 1, 'here')).toThrow(closed)
    await expect(sluice.jobs?.enqueueTask({ a: 1 })).rejects.toThrow(closed)
  })

  it('are undefined if they are disabled, and still after close', async () => {
    const sluice = createSluice({
      cache: false,
      database: false,
      balancer: false,
      jobs: false,
      monitor: false,
    })
    const engines = () => [
      sluice.cache,
      sluice.tiered,
      sluice.database,
      sluice.balancer,
      sluice.jobs,
      sluice.monitor,
    ]
    expect(engines()).toEqual(engines().map(() => undefined))
    await sluice.close()
    expect(engines()).toEqual(engines().map(() => undefined))
  })
})
