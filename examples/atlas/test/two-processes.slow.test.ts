import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../test/support/patience.ts'
import { FLAGS } from '../../../test/support/typescript-process.ts'
import { startPrivateRedis } from '../src/private-redis.ts'
import { silentProgress } from '../src/progress.ts'
import { NoConnectionToRedisError, runTwoProcesses, type TwoProcessesResult } from '../src/two-processes.ts'
import { formatTwoProcesses, isKept, twoProcessesJson } from '../src/two-processes-report.ts'
import { type Fixture, smallFixture } from './fixture.ts'

const hasRedis = spawnSync('redis-server', ['--version']).status === 0

let fixture: Fixture
beforeAll(() => {
  fixture = smallFixture()
})
afterAll(() => fixture.remove())

describe.skipIf(!hasRedis && process.env.CI !== 'true')('runTwoProcesses', () => {
  it('sees each review immediately in strict, and within the limit in bounded', {
    timeout: TEST_MS,
  }, async () => {
    const consistencies = ['strict', 'bounded'] as const
    const results = await runTwoProcesses({
      loaded: fixture.target,
      consistencies,
      tries: 60,
      progress: silentProgress,
      execArgv: FLAGS,
    })
    expect(results).toMatchObject([
      { consistency: 'strict', tries: 60, seenAtOnce: 60 },
      { consistency: 'bounded', tries: 60, neverSeen: 0 },
    ])
    expect(results.map(isKept)).toEqual([true, true])
    // Without cache hits, this would prove nothing.
    for (const { cached } of results) expect(cached).toBeGreaterThan(60)
  })

  it('reports that no Redis responds', async () => {
    const redis = await startPrivateRedis()
    await redis.stop()
    const plan = {
      loaded: fixture.target,
      consistencies: ['strict'] as const,
      tries: 1,
      progress: silentProgress,
      execArgv: FLAGS,
    }
    await expect(runTwoProcesses({ ...plan, redisUrl: redis.url })).rejects.toBeInstanceOf(
      NoConnectionToRedisError,
    )
  })
})

describe('startPrivateRedis', () => {
  it('explains what to do when there is none', async () => {
    const path = process.env.PATH
    process.env.PATH = dirname(fixture.target.file)
    try {
      await expect(startPrivateRedis()).rejects.toThrow('install Redis, or pass --redis redis://host:port')
    } finally {
      process.env.PATH = path
    }
  })
})

describe('formatTwoProcesses', () => {
  const result: TwoProcessesResult = {
    consistency: 'strict',
    tries: 10_000,
    seenAtOnce: 10_000,
    neverSeen: 0,
    worstStalenessMs: 0,
    lastStaleAnswerMs: 0,
    writeMs: [1, 2, 3, 4],
    cached: 3,
    queries: 1,
  }
  const plain = { color: false, width: 120 }

  it('has a line and a verdict for each consistency', () => {
    const bounded = {
      ...result,
      consistency: 'bounded',
      seenAtOnce: 9_999,
      worstStalenessMs: 2.5,
      lastStaleAnswerMs: 12.34,
    } as const
    expect(formatTwoProcesses([result, bounded], plain).split('\n')).toEqual([
      'consistency  reviews  seen by the next read  last stale result  write p50  write p99  hit rate',
      'strict        10,000          10,000 (100%)                  –     3.0 ms     4.0 ms       75%',
      'bounded       10,000         9,999 (99.99%)            12.3 ms     3.0 ms     4.0 ms       75%',
      '',
      '✓ strict: 10,000 of 10,000 reviews were visible to the next read of the other process',
      '✓ bounded: 9,999 of 10,000 reviews were visible to the next read of the other process, 1 to a later read; allowed for 1,000 ms',
    ])
  })

  it.each([
    ['one that strict did not show at once', { seenAtOnce: 9_999 }],
    [
      'one that bounded showed too late',
      { consistency: 'bounded', seenAtOnce: 9_999, worstStalenessMs: 1_001 },
    ],
    ['one that bounded never showed', { consistency: 'bounded', seenAtOnce: 9_999, neverSeen: 1 }],
  ] as const)('has a cross for %s', (_, wrong) => {
    expect(formatTwoProcesses([{ ...result, ...wrong }], plain)).toContain('✗')
    expect(isKept({ ...result, ...wrong })).toBe(false)
  })

  it('has its figures for machines', () => {
    expect(twoProcessesJson([result])).toMatchObject({
      processes: 2,
      results: [{ seenAtOnce: 10_000, hitRate: 0.75, isKept: true }],
    })
  })
})
