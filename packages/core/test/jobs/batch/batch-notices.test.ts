import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SOON, TEST_MS } from '../../../../../test/support/patience.ts'
import type { BatchRow, JobBackend } from '../../../src/jobs/backends/job-backend.ts'
import { BatchNotices } from '../../../src/jobs/batch/batch-notices.ts'
import { progressOf } from '../../../src/jobs/batch/batches.ts'

async function setUp(answer: () => number) {
  const called: string[] = []
  const server = createServer((request, response) => {
    called.push(String(request.headers['idempotency-key']))
    response.writeHead(answer()).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const counts = {
    totalItems: 1,
    chunks: 1,
    chunksDone: 1,
    processedItems: 1,
    failedItems: 0,
    isCancelled: false,
    isNotified: false,
  }
  const rest = {
    name: 'b',
    batchSize: 1,
    createdAt: 1_000,
    maxFailedItems: 0,
    stopsOnFailure: false,
    endedAt: 2_000,
  }
  const batch: BatchRow = { id: 'one', webhook, ...counts, ...rest }
  const notified: string[] = []
  const backend: Pick<JobBackend, 'unnotifiedBatches' | 'batchNotified'> = {
    unnotifiedBatches: (before) => (before >= 2_000 && notified.length === 0 ? [batch] : []),
    batchNotified: (id) => void notified.push(id),
  }
  const clock = { now: 3_000 }
  const errors: unknown[] = []
  const notices = new BatchNotices(
    backend as JobBackend,
    () => clock.now,
    (error) => errors.push(error),
    { secret: undefined, allowPrivateAddresses: true },
  )
  onTestFinished(() => notices.close())
  return {
    notices,
    batch,
    clock,
    called,
    notified,
    errors,
    resume: () => notices.resume((row) => progressOf(row, clock.now)),
  }
}

describe('BatchNotices', () => {
  it('takes over notices that are unreported for 1 minute, one at a time', async () => {
    const { clock, called, notified, resume } = await setUp(() => 200)
    resume()
    clock.now = 61_999
    resume()
    // Longer than a call.
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(called).toEqual([])
    clock.now = 62_000
    resume()
    resume()
    await expect.poll(() => notified, SOON).toEqual(['one'])
    expect(called).toEqual(['one'])
  })

  it('applies backoff to a webhook that does not respond', { timeout: TEST_MS }, async () => {
    let status = 500
    const { clock, called, errors, notified, resume } = await setUp(() => status)
    clock.now = 62_000
    resume()
    await expect.poll(() => errors.length, SOON).toBe(1)
    expect(called).toHaveLength(4)
    status = 200
    clock.now += 59_000
    resume()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(called).toHaveLength(4)
    clock.now += 1_000
    resume()
    await expect.poll(() => notified, SOON).toEqual(['one'])
  })

  it('calls no webhook after it is closed', async () => {
    const { clock, called, errors, notices, resume } = await setUp(() => 500)
    clock.now = 62_000
    resume()
    await expect.poll(() => called.length, SOON).toBe(1)
    notices.close()
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect([called.length, errors]).toEqual([1, []])
  })
})
