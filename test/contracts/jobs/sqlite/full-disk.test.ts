import { AsyncBatchProcessingEngine } from '@sluice/core'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SOON } from '../../../support/patience.ts'
import { sqliteWorld } from '../sqlite-world.ts'

/** More than one page. */
const LARGE = 'x'.repeat(20_000)

describe('a full disk', () => {
  let world: Awaited<ReturnType<typeof sqliteWorld>>
  let database: Sqlite.Database
  let jobs: AsyncBatchProcessingEngine

  beforeEach(async () => {
    world = await sqliteWorld()
    database = new Sqlite(world.file)
    database.pragma('journal_mode = WAL')
    jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(database), pollMs: 50 })
    await jobs.enqueueTask('small')
  })
  afterEach(async () => {
    await jobs.close()
    database.close()
    await world.stop()
  })

  /** The file cannot grow: SQLite reports the same error as for a full disk. */
  const fill = () => database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`)
  const free = () => database.pragma('max_page_count = 1000000')
  const health = () => jobs.getQueueHealth()

  it('makes a queue unhealthy with the reason, and healthy again with the next write that succeeds', async () => {
    expect(await health()).toEqual({ health: 'healthy', reasons: [] })
    fill()
    await expect(jobs.enqueueTask(LARGE)).rejects.toThrow('the disk is full')
    const reason = expect.stringMatching(/^Its backend rejects writes: .*the disk is full \(SQLITE_FULL/)
    expect(await health()).toEqual({ health: 'unhealthy', reasons: [reason] })
    free()
    await jobs.enqueueTask(LARGE)
    expect(await health()).toEqual({ health: 'healthy', reasons: [] })
  })

  it('makes the queue of a rejected batch unhealthy', async () => {
    fill()
    await expect(jobs.createBatchJob('default', [LARGE, LARGE], 1)).rejects.toThrow('the disk is full')
    expect((await health()).health).toBe('unhealthy')
  })

  it('stops no worker: outcomes are retained and written once there is space, and each task counts once', async () => {
    const seen: unknown[] = []
    const errors: unknown[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    jobs.registerProcessor('default', () => {
      seen.push('run')
      fill()
      throw new Error(LARGE)
    })
    jobs.start()
    await expect.poll(() => errors.length, SOON).toBeGreaterThan(1)
    expect((await health()).reasons[0]).toContain('the disk is full')
    jobs.registerProcessor('default', () => void seen.push('again'))
    free()
    await expect.poll(async () => (await health()).health, SOON).toBe('healthy')
    await expect.poll(() => seen, SOON).toEqual(['run', 'again'])
  })
})
