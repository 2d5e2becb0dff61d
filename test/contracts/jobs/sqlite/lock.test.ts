import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AsyncBatchProcessingEngine } from '@sluice/core'
import { JobBackendError } from '@sluice/core/jobs'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SOON } from '../../../support/patience.ts'
import { sqliteWorld } from '../sqlite-world.ts'

const main = fileURLToPath(new URL('hold-lock.main.ts', import.meta.url))

describe('an SQLite file that another process writes to', () => {
  let world: Awaited<ReturnType<typeof sqliteWorld>>
  let jobs: AsyncBatchProcessingEngine
  let release: () => Promise<void>

  beforeEach(async () => {
    world = await sqliteWorld()
    release = async () => {}
  })
  afterEach(async () => {
    await release()
    await jobs.close()
    await world.stop()
  })

  const open = (lockTimeoutMs?: number) => {
    jobs = new AsyncBatchProcessingEngine({
      backend: sqliteJobBackend(world.file, lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
    })
  }
  /** Locks the file until `release`. */
  const hold = async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', main, world.file], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    release = async () => {
      release = async () => {}
      child.stdin.write('release')
      expect(await exited).toEqual([0, null])
    }
  }

  it('is awaited in order without blocking the event loop', async () => {
    open(60_000)
    await jobs.enqueueTask('first')
    await hold()
    const added: number[] = []
    const adding = Promise.all([1, 2, 3].map((at) => jobs.enqueueTask(at).then(() => added.push(at))))
    let ticks = 0
    const timer = setInterval(() => {
      ticks += 1
    }, 5)
    await sleep(1_500)
    // An event loop that blocks on the lock has no ticks.
    await expect.poll(() => ticks, SOON).toBeGreaterThan(30)
    clearInterval(timer)
    expect(added).toEqual([])
    // Reads are not blocked.
    expect((await jobs.getProcessingStats()).queued).toBe(1)
    const late = jobs.enqueueTask('late')
    await release()
    await Promise.all([adding, late])
    const seen: unknown[] = []
    jobs.registerProcessor('default', (data) => void seen.push(data), { concurrency: 1 })
    jobs.start()
    await expect.poll(() => seen, SOON).toEqual(['first', 1, 2, 3, 'late'])
  })

  it('times out, and outcomes from that time are reported later', async () => {
    open(100)
    let finish = () => {}
    let runs = 0
    jobs.registerProcessor('default', () => {
      runs += 1
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    const errors: unknown[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    const completed: string[] = []
    jobs.on('task:completed', ({ taskId }) => completed.push(taskId))
    const { id } = await jobs.enqueueTask('task')
    jobs.start()
    await expect.poll(() => runs, SOON).toBe(1)
    await hold()
    const error = await jobs.enqueueTask('another').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(JobBackendError)
    expect((error as Error).message).toContain(
      `The SQLite file "${world.file}" is locked by another process (SQLITE_BUSY`,
    )
    finish()
    await expect.poll(() => errors.length, SOON).toBeGreaterThan(0)
    expect(completed).toEqual([])
    await release()
    await expect.poll(() => completed, SOON).toEqual([id])
    expect(runs).toBe(1)
    expect(await jobs.getProcessingStats()).toMatchObject({ queued: 0, processing: 0 })
  })

  it('is opened once it is unlocked', async () => {
    new Sqlite(world.file).exec('PRAGMA journal_mode = WAL; CREATE TABLE own (id)').close()
    await hold()
    open(60_000)
    let isAdded = false
    const adding = jobs.enqueueTask(1).then(() => {
      isAdded = true
    })
    await sleep(300)
    expect(isAdded).toBe(false)
    await release()
    await adding
  })

  it('does not block closing', async () => {
    open(200)
    await jobs.enqueueTask(1)
    await hold()
    const adding = jobs.enqueueTask(2).catch((error: unknown) => error)
    await jobs.close()
    expect(await adding).toBeInstanceOf(JobBackendError)
  })
})
