import { spawnSync } from 'node:child_process'
import cluster from 'node:cluster'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TEST_MS } from '../../../test/support/patience.ts'
import { FLAGS } from '../../../test/support/typescript-process.ts'
import { smallFixture } from '../../atlas/test/fixture.ts'
import { runScaling } from '../src/run-scaling.ts'
import { pacesOf, rateAt } from '../src/scaling-plan.ts'

describe('rateAt', () => {
  it('is low, grows, is high, and falls again', () => {
    const rates = [0, 0.1, 0.2, 0.3, 0.5, 0.55, 0.6, 1, 1.5].map((share) =>
      rateAt(share, { low: 10, high: 30 }),
    )
    expect(rates.map((rate) => Math.round(rate))).toEqual([10, 10, 20, 30, 30, 20, 10, 10, 10])
  })
})

describe('pacesOf', () => {
  it('is as short as the run', () => {
    expect(pacesOf(200)).toEqual({ intervalMs: 5_000, scaleDownSeconds: 45, startUpSeconds: 10 })
    expect(pacesOf(20)).toEqual({ intervalMs: 1_000, scaleDownSeconds: 5, startUpSeconds: 2 })
  })
})

describe('a run', () => {
  it('adds and removes workers with the load, each time for a reason, without failed requests', {
    timeout: TEST_MS,
  }, async () => {
    const { target, remove } = smallFixture()
    onTestFinished(remove)
    const pids = new Set<number>()
    const onFork = (worker: { readonly process: { readonly pid?: number | undefined } }) =>
      pids.add(worker.process.pid ?? 0)
    cluster.on('fork', onFork)
    onTestFinished(() => void cluster.off('fork', onFork))
    const lines: string[] = []
    const plan = {
      file: target.file,
      paths: ['/cities/1', '/cities/3'],
      seconds: 16,
      low: 5,
      high: 30,
      capacity: 12,
      maxWorkers: 3,
    }
    const { answered, failures, mostWorkers, workersInTheEnd, history, cost } = await runScaling(plan, {
      execArgv: FLAGS,
      onLine: (line) => lines.push(line),
    })
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(16 * 5)
    expect(mostWorkers).toBeGreaterThan(1)
    expect(mostWorkers).toBeLessThanOrEqual(3)
    expect(workersInTheEnd).toBeLessThan(mostWorkers)
    expect(history.map(({ direction }) => direction)).toEqual(expect.arrayContaining(['up', 'down']))
    for (const { from, to, reasons, isDryRun } of history) {
      expect(isDryRun).toBe(false)
      expect(reasons.join(' ')).toMatch(/\d/)
      expect(lines).toContain(`  ${from} → ${to} workers: ${reasons.join(' ')}`)
    }
    expect(cost?.workerHours).toBeGreaterThan(0)
    // Separate processes, none of which remains.
    expect(pids.size).toBeGreaterThan(1)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('the command', () => {
  const run = (...args: readonly string[]) => {
    const options = { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...FLAGS, 'src/scaling.ts', ...args],
      options,
    )
    return { status, stdout, stderr }
  }

  it('prints its usage, and exits with code 2 for an invalid duration', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('npm run scaling') })
    expect(run('--seconds', '5')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('from 20, got "5"'),
    })
  })
})
