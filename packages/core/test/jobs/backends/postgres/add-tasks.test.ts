import { describe, expect, it } from 'vitest'
import type { NewTask } from '../../../../src/jobs/backends/job-backend.ts'
import { addTasks } from '../../../../src/jobs/backends/postgres/add-tasks.ts'

const task: NewTask = {
  id: '00000000-0000-7000-8000-000000000001',
  queue: 'q',
  level: 2 as const,
  order: 1,
  data: '{}',
  runAt: 0,
  createdAt: 1,
  uniqueKey: 'k',
  batchId: null,
  chunk: 0,
  items: 0,
  settings: { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 0, runAs: null },
}

describe('addTasks with a unique key of other tasks', () => {
  it('retries when the task with the key has ended, and fails when other tasks repeatedly have the key', async () => {
    let tries = 0
    const store = (addedAt: number) => ({
      add: async () => {
        tries += 1
        return JSON.stringify([tries === addedAt ? [task.id] : [], 0])
      },
      find: async () => [JSON.stringify([task.id, null])],
    })
    expect(await addTasks([task], store(3))).toEqual([{ id: task.id, isDuplicate: false }])
    tries = 0
    await expect(addTasks([task], store(0))).rejects.toMatchObject({
      code: 'SLUICE_JOB_BACKEND',
      message: expect.stringContaining('were added and ended'),
    })
    expect(tries).toBe(5)
  })
})
