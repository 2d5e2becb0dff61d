import { createServer } from 'node:net'
import { createSluice, InvalidOptionError, MonitoringAndAutoScalingEngine } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../../../test/support/patience.ts'
import type { DiskBlocks } from '../../../src/monitoring/collectors/cgroup.ts'
import { EventLoopWatch } from '../../../src/monitoring/collectors/usage.ts'
import { ManualClock } from '../manual-clock.ts'
import { FakeSystem, unified } from './fixture.ts'

function open(system = new FakeSystem(unified)) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine({}, { clock, readers: system })
  onTestFinished(() => monitor.close())
  const errors: unknown[] = []
  monitor.on('error', ({ error }) => errors.push(error))
  const latest = () =>
    Object.fromEntries(monitor.getSystemHealth().metrics.map(({ metric, last }) => [metric, last]))
  const pass = async (ms: number) => {
    clock.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }
  return { monitor, system, errors, latest, pass }
}

describe('startCollecting', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    [{ intervalMs: 99 }, 'intervalMs'],
    [{ intervalMs: 2 ** 31 }, 'intervalMs'],
    [{ source: '' }, 'source'],
    [{ diskPath: true }, 'diskPath'],
    [{ servers: [{}] }, 'servers'],
    [{ gpu: true }, 'gpu'],
  ])('throws for invalid options: %o', (options, name) => {
    expect(() => open().monitor.startCollecting(options as never)).toThrow(InvalidOptionError)
    expect(() => createSluice({ monitor: { collect: options as never } })).toThrow(
      `"monitor.collect.${name}"`,
    )
  })

  it('records current values immediately, and differences from the second sample on', async () => {
    const { monitor, system, latest, pass } = open()
    monitor.startCollecting({ source: 'here' })
    await pass(0)
    expect(latest()).toMatchObject({ memory: 50, disk: 50 })
    expect(latest()).not.toHaveProperty('cpu')
    system.cpu = 3_750_000
    system.files['/sys/fs/cgroup/cpu.stat'] = 'nr_periods 110\nnr_throttled 15\n'
    await pass(4_999)
    expect(latest()).not.toHaveProperty('cpu')
    await pass(1)
    expect(latest()).toMatchObject({ cpu: 50, cpuThrottling: 50 })
    expect(monitor.getSystemHealth().metrics.every(({ source }) => source === 'here')).toBe(true)
    expect(latest()).not.toHaveProperty('network')
    expect(latest()).not.toHaveProperty('connections')
  })

  it('uses the configured interval, and stops', async () => {
    const { monitor, system, latest, pass } = open()
    const stop = monitor.startCollecting({ intervalMs: 100 })
    await pass(100)
    expect(latest().cpu).toBe(0)
    system.cpu = 75_000
    await pass(100)
    expect(latest().cpu).toBe(50)
    stop()
    expect(vi.getTimerCount()).toBe(1) // That of the engine.
    system.cpu = 500_000
    await pass(1_000)
    expect(latest().cpu).toBe(50)
    monitor.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops on the next start, and when the monitor is closed', async () => {
    const { monitor, pass, errors } = open()
    monitor.startCollecting({ source: 'first' })
    monitor.startCollecting({ source: 'second' })
    await pass(5_000)
    const cpu = monitor.getSystemHealth().metrics.filter(({ metric }) => metric === 'cpu')
    expect(cpu.map(({ source }) => source)).toEqual(['second'])
    monitor.close()
    expect(vi.getTimerCount()).toBe(0)
    await pass(10_000)
    expect(errors).toEqual([])
    expect(() => monitor.startCollecting()).toThrow('closed')
  })

  it('records readable values if others cannot be read', async () => {
    const system = new FakeSystem()
    system.blocks = Promise.reject(new Error('no such path'))
    system.processors = () => {
      throw new Error('no')
    }
    const { monitor, errors, latest, pass } = open(system)
    monitor.startCollecting()
    await pass(5_000)
    expect(latest()).toHaveProperty('memory')
    expect(latest()).not.toHaveProperty('disk')
    expect(latest()).not.toHaveProperty('cpu')
    expect(errors).toHaveLength(1)
  })

  it('neither waits for a disk that does not respond nor queries it again', async () => {
    const system = new FakeSystem()
    let asked = 0
    let answer: (blocks: DiskBlocks) => void = () => {}
    system.disk = () => {
      asked += 1
      return new Promise((resolve) => {
        answer = resolve
      })
    }
    const { monitor, latest, pass } = open(system)
    monitor.startCollecting()
    await pass(10_000)
    expect(latest().cpu).toBe(0)
    expect(asked).toBe(1)
    answer({ blocks: 100, bfree: 20, bavail: 20 })
    await pass(5_000)
    expect(latest().disk).toBe(80)
    expect(asked).toBe(2)
  })

  it('reports a disk as 100% full if only the superuser has blocks left, and omits a disk without blocks', async () => {
    const { monitor, system, latest, pass } = open()
    system.blocks = Promise.resolve({ blocks: 0, bfree: 0, bavail: 0 })
    monitor.startCollecting()
    await pass(0)
    expect(latest()).not.toHaveProperty('disk')
    system.blocks = Promise.resolve({ blocks: 100, bfree: 5, bavail: 0 })
    await pass(5_000)
    expect(latest().disk).toBe(100)
    monitor.startCollecting({ diskPath: false })
    system.blocks = Promise.resolve({ blocks: 100, bfree: 50, bavail: 50 })
    await pass(5_000)
    expect(latest().disk).toBe(100)
  })

  it('counts the connections of all servers, or none if one of them fails', async () => {
    const { monitor, latest, pass } = open()
    let error: Error | null = null
    const server = (count: number) => ({
      getConnections: (callback: (error: Error | null, count: number) => void) => callback(error, count),
    })
    monitor.startCollecting({ servers: [server(3), server(4)] })
    await pass(0)
    expect(latest().connections).toBe(7)
    error = new Error('no')
    monitor.startCollecting({ servers: [server(30), server(4)] })
    await pass(0)
    expect(latest().connections).toBe(7)
  })
})

describe('collectors on this machine', () => {
  it('collect available values without keeping the process alive', async () => {
    const server = createServer()
    const sluice = createSluice({
      monitor: { collect: { intervalMs: 100, servers: [server], source: 'here' } },
    })
    onTestFinished(() => sluice.close())
    await vi.waitFor(() => {
      const names = new Set(sluice.monitor?.getSystemHealth().metrics.map(({ metric }) => metric))
      for (const name of ['cpu', 'memory', 'disk', 'eventLoopUtilization', 'eventLoopDelay', 'connections'])
        expect(names).toContain(name)
    }, SOON)
    for (const { metric, unit, min, max } of sluice.monitor?.getSystemHealth().metrics ?? []) {
      expect(min, metric).toBeGreaterThanOrEqual(0)
      if (unit === '%') expect(max, metric).toBeLessThanOrEqual(100)
    }
  })

  it('do not start by default', () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    expect(sluice.monitor?.getSystemHealth().metrics).toEqual([])
  })
})

describe('EventLoopWatch', () => {
  it('reports delays, including a stall in progress when a value is read', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    let now = 1_000
    const delays: number[] = []
    const watch = new EventLoopWatch(
      () => now,
      (ms) => delays.push(ms),
    )
    watch.start()
    now += 50
    vi.advanceTimersByTime(50)
    // No timer fires for 500 ms.
    now += 300
    watch.utilization()
    now += 250
    vi.advanceTimersByTime(50)
    expect(delays).toEqual([0, 500])
    watch.stop()
    now += 1_000
    vi.advanceTimersByTime(1_000)
    expect(delays).toHaveLength(2)
  })
})
