import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  AsyncBatchProcessingEngine,
  InvalidArgumentError,
  InvalidOptionError,
  type JobsOptions,
} from '@sluice/core'
import { JobBackendError } from '@sluice/core/jobs'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SOON } from '../../../support/patience.ts'
import { sqliteWorld } from '../sqlite-world.ts'

describe('the file of an SQLite backend', () => {
  let world: Awaited<ReturnType<typeof sqliteWorld>>
  let engines: AsyncBatchProcessingEngine[]

  beforeEach(async () => {
    engines = []
    world = await sqliteWorld()
  })
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    await world.stop()
  })

  const open = (file: Parameters<typeof sqliteJobBackend>[0] = world.file, options: JobsOptions = {}) => {
    const engine = new AsyncBatchProcessingEngine({ ...options, backend: sqliteJobBackend(file) })
    engines.push(engine)
    return engine
  }
  const refused = async (file: Parameters<typeof sqliteJobBackend>[0] = world.file) => {
    const error: unknown = await open(file)
      .enqueueTask(1)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(JobBackendError)
    return (error as JobBackendError).message
  }
  /** Runs the script of an app. */
  const run = async (script: string, cwd = dirname(fileURLToPath(import.meta.url))) => {
    const tsx = import.meta.resolve('tsx')
    const child = spawn(
      process.execPath,
      ['--import', tsx, '--conditions=@sluice/source', '--input-type=module', '-e', script],
      {
        cwd,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    )
    let text = ''
    child.stdout.on('data', (data) => {
      text += data
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    return { code, text }
  }

  it('is readable by its owner only, with its other files', async () => {
    const file = join(dirname(world.file), 'private.db')
    await open(file).enqueueTask(1)
    const files = [file, `${file}-wal`, `${file}-shm`]
    expect(files.map((one) => (statSync(one).mode & 0o777).toString(8))).toEqual(['600', '600', '600'])
  })

  it('can be opened again', async () => {
    const backend = sqliteJobBackend(world.file)
    for (let at = 0; at < 2; at += 1) {
      const jobs = new AsyncBatchProcessingEngine({ backend })
      await jobs.enqueueTask(at)
      expect((await jobs.getProcessingStats()).queued).toBe(at + 1)
      await jobs.close()
      expect(() => backend.counts('default')).toThrow(JobBackendError)
    }
  })

  it('retains waiting tasks for the next process', async () => {
    const first = open()
    const task = await first.enqueueTask({ a: 1 }, 'high', 'default', { delayMs: 1 })
    await first.close()
    const second = open()
    expect(await second.getTask(task.id)).toMatchObject({ id: task.id, data: { a: 1 }, priority: 'high' })
    await second.close()
    // No outcome is left to be applied.
    expect(existsSync(`${world.file}-wal`)).toBe(false)
  })

  it('does not keep an idle process alive', async () => {
    const script = `
      import { AsyncBatchProcessingEngine } from '@sluice/core'
      import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
      const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(${JSON.stringify(world.file)}) })
      jobs.registerProcessor('default', () => {})
      await jobs.enqueueTask(1)
      await jobs.enqueueTask(2)
      await jobs.processNextTask()
      console.log('added')`
    expect(await run(script)).toEqual({ code: 0, text: 'added\n' })
    expect((await open().getProcessingStats()).queued).toBe(1)
  })

  it('is rejected unmodified when a newer version created it', async () => {
    const jobs = open()
    await jobs.enqueueTask(1)
    await jobs.close()
    const database = new Sqlite(world.file)
    database.exec('UPDATE sluice_jobs SET version = 99').close()
    const before = readFileSync(world.file)
    expect(await refused()).toMatch(
      /was created by a newer release of Sluice: its version is 99. Expected at most \d+\. Update Sluice\.$/,
    )
    expect(readFileSync(world.file).equals(before)).toBe(true)
  })

  it('gets its tables next to those of the app', async () => {
    const database = new Sqlite(world.file)
    database.pragma('user_version = 7')
    database.exec('CREATE TABLE tasks (id); INSERT INTO tasks VALUES (1)').close()
    const jobs = open()
    await jobs.enqueueTask(1)
    await jobs.close()
    const after = new Sqlite(world.file)
    expect(after.pragma('user_version', { simple: true })).toBe(7)
    expect(after.prepare('SELECT count(*) FROM tasks').pluck().get()).toBe(1)
    after.close()
  })

  it('is rejected unmodified when it is not a database', async () => {
    const bytes = randomBytes(8_192)
    writeFileSync(world.file, bytes)
    expect(await refused()).toContain(`The SQLite file "${world.file}" is not an SQLite database`)
    expect(readFileSync(world.file).equals(bytes)).toBe(true)
  })

  it('is rejected when it is damaged', async () => {
    const jobs = open()
    for (let at = 0; at < 300; at += 1) await jobs.enqueueTask('x'.repeat(500))
    await jobs.close()
    const bytes = readFileSync(world.file)
    writeFileSync(world.file, Buffer.concat([bytes.subarray(0, 4_096), randomBytes(bytes.length - 4_096)]))
    expect(await refused()).toContain('is damaged (SQLITE_CORRUPT')
  })

  it('is rejected at an invalid path', async () => {
    expect(await refused(join(dirname(world.file), 'nowhere', 'jobs.db'))).toMatch(
      /nowhere.*directory does not exist/,
    )
    expect(await refused(dirname(world.file))).toContain('cannot be opened (SQLITE_CANTOPEN')
  })

  it('is rejected when it is read-only', async () => {
    const jobs = open()
    await jobs.enqueueTask(1)
    await jobs.close()
    const database = new Sqlite(world.file, { readonly: true })
    expect(await refused(database)).toContain('cannot be written to (SQLITE_READONLY')
    database.close()
  })

  it('is retried by workers that started before it was valid', async () => {
    writeFileSync(world.file, randomBytes(8_192))
    const jobs = open()
    const errors: unknown[] = []
    const seen: unknown[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    jobs.registerProcessor('default', (data) => void seen.push(data))
    jobs.start()
    await expect.poll(() => errors.length, SOON).toBeGreaterThan(0)
    writeFileSync(world.file, '')
    await expect.poll(() => jobs.enqueueTask(1).catch(() => undefined), SOON).toBeDefined()
    await expect.poll(() => seen, SOON).toEqual([1])
  })

  it('that cannot grow rejects new tasks, and loses no accepted task', async () => {
    const database = new Sqlite(world.file)
    database.pragma('journal_mode = WAL')
    const jobs = open(database)
    let finish = () => {}
    let runs = 0
    jobs.registerProcessor('default', () => {
      runs += 1
      return new Promise<void>((_resolve, reject) => {
        finish = () => reject(new Error('x'.repeat(2_000)))
      })
    })
    await jobs.enqueueTask('held', 'critical', 'default', { maxRetries: 0 })
    jobs.createQueue('full')
    jobs.start('default')
    await expect.poll(() => runs, SOON).toBe(1)
    database.pragma(`max_page_count = ${Number(database.pragma('page_count', { simple: true })) + 20}`)
    const accepted: string[] = []
    let refusal: unknown
    while (refusal === undefined && accepted.length < 1_000) {
      await jobs.enqueueTask('x'.repeat(1_000), 'normal', 'full').then(
        ({ id }) => accepted.push(id),
        (error) => {
          refusal = error
        },
      )
    }
    expect(refusal).toBeInstanceOf(JobBackendError)
    expect((refusal as Error).message).toContain('cannot grow: the disk is full (SQLITE_FULL')
    expect(accepted.length).toBeGreaterThan(10)
    // Failures are reported once there is space again.
    const errors: unknown[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    finish()
    await expect.poll(() => errors.length, SOON).toBeGreaterThan(0)
    expect(errors[0]).toBeInstanceOf(JobBackendError)
    database.pragma('max_page_count = 100000')
    await expect.poll(async () => (await jobs.listDeadLetters({ queue: 'default' })).length, SOON).toBe(1)
    expect(runs).toBe(1)
    const kept = new Sqlite(world.file, { readonly: true })
    expect(
      kept.prepare('SELECT id FROM sluice_tasks WHERE data <> \'"held"\' ORDER BY seq').pluck().all(),
    ).toEqual(accepted)
    expect(kept.pragma('integrity_check', { simple: true })).toBe('ok')
    kept.close()
    await jobs.close()
    // It belongs to the app.
    expect(database.open).toBe(true)
    database.close()
  })

  it('must be a valid path or an open database on disk', () => {
    for (const file of ['', ':memory:', undefined, null, {}, 1])
      expect(() => sqliteJobBackend(file as string), String(file)).toThrow(InvalidArgumentError)
    const memory = new Sqlite(':memory:')
    expect(() => sqliteJobBackend(memory)).toThrow(InvalidArgumentError)
    memory.close()
    expect(() => sqliteJobBackend('x', { synchronous: 'OFF' as 'FULL' })).toThrow(InvalidOptionError)
    expect(() => sqliteJobBackend('x', { lockTimeoutMs: -1 })).toThrow(InvalidOptionError)
    const database = new Sqlite(world.file)
    expect(() => sqliteJobBackend(database, { synchronous: 'FULL' })).toThrow(InvalidOptionError)
    database.close()
  })

  it('is synchronized as configured', async () => {
    for (const [synchronous, number] of [
      ['NORMAL', 1],
      ['FULL', 2],
    ] as const) {
      const prototype = Sqlite.prototype as { pragma(source: string): unknown }
      const { pragma } = prototype
      const seen: unknown[] = []
      prototype.pragma = function (source: string) {
        const result = pragma.call(this, source)
        if (source.startsWith('synchronous')) seen.push(pragma.call(this, 'synchronous'))
        return result
      }
      const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(world.file, { synchronous }) })
      await jobs.enqueueTask(1).finally(() => {
        prototype.pragma = pragma
      })
      await jobs.close()
      expect(seen).toEqual([[{ synchronous: number }]])
    }
  })

  it('requires a package, which the error names if it is missing', async () => {
    const folder = dirname(world.file)
    cpSync(fileURLToPath(new URL('../../../../packages/core/src', import.meta.url)), join(folder, 'src'), {
      recursive: true,
    })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const script = `
      import { sqliteJobBackend } from './src/jobs/backends/sqlite/index.ts'
      await sqliteJobBackend('jobs.db').open().catch(({ name, code, message }) => console.log(name, code, message))`
    const text =
      'MissingPackageError SLUICE_MISSING_PACKAGE sqliteJobBackend requires the package "better-sqlite3", which is not installed. Install it with your package manager: npm install better-sqlite3, for example.\n'
    expect(await run(script, folder)).toEqual({ code: 0, text })
  })
})
