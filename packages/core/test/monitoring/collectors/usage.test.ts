import { describe, expect, it } from 'vitest'
import { NetworkUsage, ProcessUsage } from '../../../src/monitoring/collectors/usage.ts'
import { FakeSystem, GB, legacy, unified } from './fixture.ts'

const V2 = '/sys/fs/cgroup'

/** The `cpu` value for 1 second in which the process used this many milliseconds of CPU. */
function cpuOf(system: FakeSystem, ms: number): number | undefined {
  const usage = new ProcessUsage(system)
  usage.cpu(5_000)
  system.cpu += ms * 1_000
  return usage.cpu(6_000)
}

describe('CPU', () => {
  it('is a share of all processors without a quota', () => {
    expect(cpuOf(new FakeSystem(), 800)).toBeCloseTo(10)
  })

  it.each([
    ['version 2', unified],
    ['version 1', legacy],
  ])('is a share of the quota of cgroups of %s', (_, files) => {
    expect(cpuOf(new FakeSystem(files), 750)).toBeCloseTo(50)
    expect(cpuOf(new FakeSystem(files), 1_600)).toBe(100)
  })

  it.each<[string, Record<string, string>]>([
    ['max', { [`${V2}/cpu.max`]: 'max 100000\n' }],
    ['garbage', { [`${V2}/cpu.max`]: 'lots of it\n' }],
    ['nothing', { [`${V2}/cpu.max`]: '' }],
    ['zero', { [`${V2}/cpu.max`]: '0 100000' }],
    ['a period of zero', { [`${V2}/cpu.max`]: '100000 0' }],
  ])('has no quota if the file contains %s', (_, files) => {
    expect(cpuOf(new FakeSystem({ ...unified, ...files }), 800)).toBeCloseTo(10)
  })

  it('has no quota if version 1 contains -1', () => {
    expect(
      cpuOf(new FakeSystem({ ...legacy, [`${V2}/cpu,cpuacct/cpu.cfs_quota_us`]: '-1\n' }), 800),
    ).toBeCloseTo(10)
  })

  it('uses the lowest quota of its group and its ancestors', () => {
    const files = {
      ...unified,
      '/proc/self/cgroup': '0::/a.slice/b.service\n',
      [`${V2}/cpu.max`]: 'max 100000',
      [`${V2}/a.slice/cpu.max`]: '200000 100000',
      [`${V2}/a.slice/b.service/cpu.max`]: '400000 100000',
    }
    expect(cpuOf(new FakeSystem(files), 1_000)).toBeCloseTo(50)
  })

  it('uses the number of processors if the quota is higher', () => {
    expect(cpuOf(new FakeSystem({ ...unified, [`${V2}/cpu.max`]: '6400000 100000' }), 800)).toBeCloseTo(10)
  })

  it('is undefined for the first sample, and when no time has passed', () => {
    const usage = new ProcessUsage(new FakeSystem())
    expect(usage.cpu(5_000)).toBeUndefined()
    expect(usage.cpu(5_000)).toBeUndefined()
    expect(usage.cpu(6_000)).toBe(0)
  })
})

describe('throttling', () => {
  it.each([
    ['version 2', unified, `${V2}/cpu.stat`],
    ['version 1', legacy, `${V2}/cpu,cpuacct/cpu.stat`],
  ])('is the share of throttled periods with cgroups of %s', (_, files, path) => {
    const system = new FakeSystem(files)
    const usage = new ProcessUsage(system)
    expect(usage.throttling()).toBeUndefined()
    system.files[path] = 'nr_periods 150\nnr_throttled 20\n'
    expect(usage.throttling()).toBe(20)
    // No period has passed.
    expect(usage.throttling()).toBeUndefined()
    // The counters were reset.
    system.files[path] = 'nr_periods 10\nnr_throttled 2\n'
    expect(usage.throttling()).toBeUndefined()
    system.files[path] = 'nr_periods 20\nnr_throttled 2\n'
    expect(usage.throttling()).toBe(0)
    delete system.files[path]
    expect(usage.throttling()).toBeUndefined()
  })

  it('is read from an ancestor group if its group has no quota', () => {
    const system = new FakeSystem({
      ...unified,
      '/proc/self/cgroup': '0::/a\n',
      [`${V2}/a/cpu.max`]: 'max 100000',
      [`${V2}/a/cpu.stat`]: 'nr_periods 0\nnr_throttled 0\n',
    })
    const usage = new ProcessUsage(system)
    usage.throttling()
    system.files[`${V2}/cpu.stat`] = 'nr_periods 110\nnr_throttled 15\n'
    expect(usage.throttling()).toBe(50)
  })
})

describe('memory', () => {
  it.each([
    ['version 2', unified],
    ['version 1', legacy],
  ])('is the use of the group without cached files, divided by its limit, with cgroups of %s', (_, files) => {
    expect(new ProcessUsage(new FakeSystem(files)).memory()).toBe(50)
  })

  it('is the share of the process in the memory of the machine without a limit', () => {
    expect(new ProcessUsage(new FakeSystem()).memory()).toBeCloseTo(100 / 16)
    expect(
      new ProcessUsage(new FakeSystem({ ...unified, [`${V2}/memory.max`]: 'max\n' })).memory(),
    ).toBeCloseTo(100 / 16)
    // The maximum of a page counter.
    expect(
      new ProcessUsage(
        new FakeSystem({ ...legacy, [`${V2}/memory/memory.limit_in_bytes`]: '9223372036854771712\n' }),
      ).memory(),
    ).toBeCloseTo(100 / 16)
  })

  it('is the share of the process in the limit that Node reports if there are no files', () => {
    const system = new FakeSystem()
    system.constrained = 2 * GB
    expect(new ProcessUsage(system).memory()).toBe(50)
    system.constrained = 0
    expect(new ProcessUsage(system).memory()).toBeCloseTo(100 / 16)
  })

  it('uses the lower limit of an ancestor group', () => {
    const files = {
      ...unified,
      '/proc/self/cgroup': '0::/a\n',
      [`${V2}/a/memory.max`]: `${4 * GB}`,
      [`${V2}/a/memory.current`]: `${GB / 8}`,
    }
    expect(new ProcessUsage(new FakeSystem(files)).memory()).toBe(50)
  })

  it.each([
    ['no use', { [`${V2}/memory.current`]: 'much' }],
    ['no limit', { [`${V2}/memory.max`]: '?' }],
    ['a limit of zero', { [`${V2}/memory.max`]: '0' }],
  ])('is the value of the process if the files contain %s', (_, files) => {
    expect(new ProcessUsage(new FakeSystem({ ...unified, ...files })).memory()).toBeCloseTo(100 / 16)
  })

  it('is correct without memory.stat', () => {
    const { [`${V2}/memory.stat`]: _, ...files } = unified
    expect(new ProcessUsage(new FakeSystem(files)).memory()).toBe(75)
  })
})

describe('network', () => {
  const head =
    'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n'
  const line = (device: string, received: number, sent: number) =>
    `${device.padStart(6)}: ${received}       1    0    0    0     0          0         0 ${sent}       1    0    0    0     0       0          0\n`

  function open(...lines: readonly string[]) {
    const system = new FakeSystem({ '/proc/net/dev': head + lines.join('') })
    const usage = new NetworkUsage((path) => system.text(path))
    usage.mbps(1_000)
    const after = (ms: number, ...later: readonly string[]) => {
      system.files['/proc/net/dev'] = head + later.join('')
      return usage.mbps(ms)
    }
    return { usage, after }
  }

  it('is the traffic of all devices except loopback, in megabits per second', () => {
    const { after } = open(line('lo', 0, 0), line('eth0', 1_000, 5_000), line('eth1', 0, 0))
    expect(
      after(3_000, line('lo', 9e9, 9e9), line('eth0', 1_001_000, 5_000), line('eth1', 0, 1_000_000)),
    ).toBeCloseTo(8)
  })

  it('ignores counters that were reset, and new devices', () => {
    const { after } = open(line('eth0', 5_000_000, 0), line('eth1', 1, 1))
    expect(after(2_000, line('eth0', 10, 125_000), line('eth1', 1, 1), line('eth2', 9e9, 9e9))).toBeCloseTo(1)
    expect(after(3_000, line('eth0', 125_010, 125_000))).toBeCloseTo(1)
  })

  it.each(['', 'garbage', head, `${head}  eth0: x y z\n`, `${head}    lo: 1 2 3\n`])(
    'is undefined if the file contains %j',
    (text) => {
      const usage = new NetworkUsage(() => text)
      usage.mbps(1_000)
      expect(usage.mbps(2_000)).toBeUndefined()
    },
  )

  it('is undefined for the first sample, after a gap, and when no time has passed', () => {
    let text: string | undefined = head + line('eth0', 0, 0)
    const usage = new NetworkUsage(() => text)
    expect(usage.mbps(1_000)).toBeUndefined()
    expect(usage.mbps(1_000)).toBeUndefined()
    text = undefined
    expect(usage.mbps(2_000)).toBeUndefined()
    text = head + line('eth0', 9e9, 0)
    expect(usage.mbps(3_000)).toBeUndefined()
    expect(usage.mbps(4_000)).toBe(0)
  })
})
