import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { silentProgress } from '@sluice/example-atlas/progress'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../test/support/patience.ts'
import { FLAGS } from '../../../test/support/typescript-process.ts'
import { figuresOf } from '../src/figures.ts'
import { type Cluster, openCluster } from '../src/open-cluster.ts'
import { findPostgres, NoPostgresError } from '../src/postgres/find-postgres.ts'
import { isGood } from '../src/report.ts'
import { runSteps } from '../src/run-steps.ts'
import { STEPS } from '../src/steps.ts'
import { Tally } from '../src/tally.ts'

function missingPostgres(): string | undefined {
  try {
    findPostgres()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const missing = missingPostgres()
if (missing !== undefined) {
  if (process.env.CI === 'true') throw new Error(`PostgreSQL is needed when CI is set: ${missing}`)
  console.warn(`The test of the cluster is skipped. ${missing}`)
}

describe.skipIf(missing !== undefined)('the cluster', () => {
  let cluster: Cluster
  let tally = new Tally()
  const run = (given: Pick<Parameters<typeof runSteps>[0], 'keepsCookies' | 'seconds' | 'steps'>) =>
    runSteps({
      cluster,
      visitors: 8,
      progress: silentProgress,
      ...given,
      onTally: (next) => {
        tally = next
      },
    })

  beforeAll(async () => {
    // The machine may have other load: a slow node does not count as hung. The replica is used although its
    // replay is paused.
    const probe = { timeoutMs: 3_000, down: 3 }
    cluster = await openCluster({
      port: 0,
      progress: silentProgress,
      probe,
      maxLagMs: 20_000,
      execArgv: FLAGS,
      onReads: (reads) => tally.addReads(reads),
    })
  }, TEST_MS)

  afterAll(() => cluster?.close())

  it('serves requests while nodes, replay and the replica fail, with read-your-writes consistency for visitors', {
    timeout: TEST_MS,
  }, async () => {
    const results = await run({ keepsCookies: true, seconds: 1 })
    const figures = results.map(figuresOf)
    console.log(
      figures
        .map(
          ({ name, requests, lostPosts, ownReads, replicaShare }) =>
            `${name}: ${[requests, lostPosts, ownReads, replicaShare]}`,
        )
        .join('\n'),
    )
    expect(results.flatMap((result) => result.tally.failures)).toEqual([])
    expect(figures.map(({ name, staleReads }) => [name, staleReads])).toEqual(
      STEPS.map(({ name }) => [name, 0]),
    )
    expect(isGood(results)).toBe(true)
    const [well, ...disturbed] = figures
    expect(Object.values(well?.nodes ?? {}).every((share) => share > 0)).toBe(true)
    for (const { usedAgainMs } of disturbed) expect(usedAgainMs).toBeTypeOf('number')
    // Without own writes, this would prove nothing.
    expect(well?.replicaShare).toBeGreaterThan(0)
    expect(figures.reduce((sum, { ownReads }) => sum + ownReads, 0)).toBeGreaterThan(10)
  })

  it('detects stale reads of visitors that keep no cookies', { timeout: TEST_MS }, async () => {
    const [result] = await run({
      keepsCookies: false,
      seconds: 4,
      steps: STEPS.filter(({ name }) => name === 'replay paused'),
    })
    expect(result?.tally.staleReads).toBeGreaterThan(0)
    expect(isGood(result === undefined ? [] : [result])).toBe(false)
  })

  it('leaves nothing behind', async () => {
    const pids = cluster.nodes.map(({ pid }) => pid ?? 0)
    await cluster.close()
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await expect(fetch(cluster.front.origin)).rejects.toThrow()
  })
})

describe('findPostgres', () => {
  it('names the missing programs and folders', () => {
    expect(() => findPostgres(import.meta.dirname)).toThrow(NoPostgresError)
    expect(() => findPostgres(import.meta.dirname)).toThrow(
      'There is no initdb, postgres in the directory of PG_BIN',
    )
  })
})

describe('the command', () => {
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const options = {
      cwd: join(import.meta.dirname, '..'),
      env: { ...process.env, ...env },
      encoding: 'utf8',
    } as const
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...FLAGS, 'src/cluster.ts', ...args],
      options,
    )
    return { status, stdout, stderr }
  }

  it('exits with code 3 and prints one line without PostgreSQL', () => {
    const { status, stdout, stderr } = run(['--once'], { PG_BIN: import.meta.dirname })
    expect([status, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^There is no initdb, .*\n$/)
  })

  it('exits with code 2 for an unknown flag and an invalid port', () => {
    expect(run(['--twice'])).toMatchObject({ status: 2, stderr: expect.stringContaining('Usage:') })
    expect(run([], { PORT: 'x' })).toMatchObject({ status: 2, stderr: expect.stringContaining('PORT') })
  })

  it('shows its usage', () => {
    expect(run(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('--no-cookies') })
  })
})
