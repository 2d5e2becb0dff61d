import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { type Database, databases } from '../support/databases.ts'
import { countOf, loopIn, REGISTER, run, statementsOf } from './run-app.ts'
import { programOf } from './run-program.ts'

const WORK = join(import.meta.dirname, 'programs', 'job-work.ts')
const LINE = `at   programs/job-work.ts:${loopIn(WORK)}:`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-jobs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function configWith(config: object): string {
  const path = join(folder, 'sluice.config.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}

describe.skipIf(findRedisServer() === undefined)('sluice/register with jobs of BullMQ', () => {
  const app = programOf('bullmq')
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server?.stop())

  const envOf = (env: Readonly<Record<string, string>> = {}) => ({ REDIS_PORT: String(server.port), ...env })

  it.each([
    ['the Sluice of the process', 'default'],
    ['a Sluice of the app', 'own'],
  ])('opens a scope of %s for each', async (_, sluice) => {
    const env = envOf({ APP_SLUICE: sluice })
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('broken The job fails.') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    for (const name of ['digest', 'broken', 'together'])
      expect(registered.stderr).toContain(`N+1  job mail ${name}   20 queries → 1 possible`)
    expect(registered.stderr).toContain(LINE)
    expect(countOf(registered.stderr, 'N+1')).toBe(3)
  })

  it('opens a scope for each that a file runs in a child process', async () => {
    const files = programOf('bullmq-files')
    const [bare, registered] = [await run(files, [], envOf()), await run(files, REGISTER, envOf())]
    expect(bare).toMatchObject({ code: 0, stdout: 'digest 189\nbroken The job fails.\n' })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    for (const name of ['digest', 'broken'])
      expect(registered.stderr).toContain(`N+1  job files ${name}   20 queries → 1 possible`)
  })

  it('batches the queries of each job in optimize', async () => {
    const [bare, optimized] = [
      await run(app, [], envOf()),
      await run(app, REGISTER, envOf({ SLUICE_MODE: 'optimize' })),
    ]
    expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(statementsOf(bare)).toEqual([161])
    // Those of the first jobs are also sent one by one, and compared.
    expect(statementsOf(optimized)[0]).toBeLessThan(120)
  })

  it('opens none if the config file turns them off', async () => {
    const SLUICE_CONFIG = configWith({ register: { jobs: false } })
    const { code, stderr } = await run(app, REGISTER, envOf({ SLUICE_CONFIG }))
    expect(code).toBe(0)
    expect(stderr).toContain('script bullmq.main.ts   ')
    expect(stderr).not.toContain('  job mail')
  })

  it('fails a job for its findings if detection throws', async () => {
    const SLUICE_CONFIG = configWith({ detection: { mode: 'throw' } })
    const { code, stdout } = await run(app, REGISTER, envOf({ SLUICE_CONFIG }))
    expect(code).toBe(0)
    expect(stdout).toContain("lazy { id: 1, name: 'author 0' }\n")
    expect(stdout).toMatch(/^digest .*N\+1/m)
    expect(stdout).toContain('broken The job fails.\n')
  })
})

describe('sluice/register with scheduled jobs', () => {
  it.each(['esm', 'commonjs'])(
    'opens a scope for each run of a task of croner and node-cron, %s',
    async (modules) => {
      const app = programOf('cron')
      const env = { APP_MODULES: modules }
      const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
      expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('The task fails.') })
      expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
      for (const name of ['0 3 * * *', 'nightly', 'failing', 'weekly', '0 6 * * *'])
        expect(registered.stderr).toContain(`N+1  job cron ${name}   20 queries → 1 possible`)
      expect(registered.stderr).toContain(LINE)
      expect(countOf(registered.stderr, 'N+1')).toBe(5)
    },
  )
})

const [postgres] = databases().filter(({ dialect }) => dialect === 'postgresql')

it.skipIf(postgres?.skipped !== undefined)(
  'opens a scope for each call of a handler of pg-boss',
  async () => {
    const database = (await postgres?.connect()) as Database
    onTestFinished(() => database.drop())
    const app = programOf('pg-boss')
    const env = { DATABASE_URL: database.url }
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stdout: 'completed failed\n1,2 189 broken digest\n' })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    for (const queue of ['digest', 'broken', 'batch'])
      expect(registered.stderr).toContain(`N+1  job ${queue}   20 queries → 1 possible`)
    expect(countOf(registered.stderr, 'N+1')).toBe(3)
  },
)
