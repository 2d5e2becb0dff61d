import { AsyncBatchProcessingEngine, type JobsOptions, type Processor, UnretryableError } from '@sluice/core'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { NEVER_MS, SOON } from '../../../../../test/support/patience.ts'
import { claimOf, ScriptedBackend } from '../scripted-backend.ts'

interface Held {
  resolve(value?: unknown): void
  reject(error: unknown): void
}

function setUp(options: JobsOptions = {}, concurrency = 10, processor?: Processor) {
  const backend = new ScriptedBackend()
  const jobs = new AsyncBatchProcessingEngine({ backend, graceMs: 20, ...options })
  const held = new Map<string, Held>()
  const running: string[] = []
  jobs.registerProcessor(
    'default',
    processor ??
      ((id: string) => {
        running.push(id)
        return new Promise((resolve, reject) => held.set(id, { resolve, reject }))
      }),
    { concurrency },
  )
  const end = async (id: string, value?: unknown) => {
    while (!held.has(id)) await new Promise((resolve) => setImmediate(resolve))
    held.get(id)?.resolve(value)
  }
  return { backend, jobs, held, running, end }
}

const kinds = (outcomes: readonly { readonly claim: { readonly id: string }; readonly kind: string }[]) =>
  outcomes.map(({ claim, kind }) => `${kind} ${claim.id}`)

afterEach(() => {
  vi.useRealTimers()
})

describe('a queue', () => {
  it('reports outcomes again in order after a failed step, each with its result', async () => {
    const { backend, jobs, end } = setUp()
    const results: unknown[] = []
    jobs.on('task:completed', ({ result }) => results.push(result))
    jobs.start()
    ;(await backend.next()).answer([claimOf('a'), claimOf('b')])
    await end('a', 'of a')
    const first = await backend.next()
    expect(kinds(first.outcomes)).toEqual(['done a'])
    await end('b', 'of b')
    await new Promise((resolve) => setTimeout(resolve, 5))
    first.fail()
    const second = await backend.next()
    expect(kinds(second.outcomes)).toEqual(['done a', 'done b'])
    second.answer([])
    await expect.poll(() => results, SOON).toEqual(['of a', 'of b'])
    await close(backend, jobs)
  })

  it('is unhealthy after a failed write, and healthy after the next successful one', async () => {
    const { backend, jobs, end } = setUp()
    jobs.start()
    ;(await backend.next()).answer([claimOf('a')])
    await end('a')
    ;(await backend.next()).fail(new Error('full'))
    const again = await backend.next()
    expect((await jobs.getQueueHealth()).reasons).toEqual(['Its backend rejects writes: full'])
    again.answer([])
    // Without it, the failure would count for 30 seconds.
    await expect
      .poll(async () => (await jobs.getQueueHealth()).health, { ...SOON, timeout: 25_000 })
      .toBe('healthy')
    await close(backend, jobs)
  })

  it('polls again after a hint during a step', async () => {
    const { backend, jobs } = setUp({ pollMs: NEVER_MS })
    jobs.start()
    const step = await backend.next()
    await jobs.enqueueTask(1)
    step.answer([])
    const again = await backend.next()
    expect(again.want).toBe(10)
    again.answer([])
    await close(backend, jobs)
  })

  it('counts lost outcomes', async () => {
    const { backend, jobs, end } = setUp()
    const completed: string[] = []
    jobs.on('task:completed', ({ taskId }) => completed.push(taskId))
    jobs.start()
    const claim = claimOf('a')
    ;(await backend.next()).answer([claim])
    await end('a')
    const step = await backend.next()
    step.answer([], { lost: [claim] })
    await expect.poll(async () => (await jobs.getProcessingStats()).lost, SOON).toBe(1)
    expect(completed).toEqual([])
    await close(backend, jobs)
  })

  it('is drained when all running tasks have ended, and not earlier', async () => {
    const { backend, jobs, end } = setUp()
    jobs.start()
    ;(await backend.next()).answer([claimOf('a'), claimOf('b')])
    let isDrained = false
    const draining = jobs.drain().then(() => {
      isDrained = true
    })
    await end('a')
    ;(await backend.next()).answer([])
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isDrained).toBe(false)
    await end('b')
    ;(await backend.next()).answer([])
    await draining
    await close(backend, jobs)
  })

  it('closes even if its backend does not respond', async () => {
    const { backend, jobs } = setUp()
    jobs.start()
    ;(await backend.next()).answer([claimOf('a')])
    const closing = jobs.close()
    const failing = setInterval(() => {
      for (const step of backend.steps.splice(0)) step.fail()
    }, 5)
    onTestFinished(() => clearInterval(failing))
    await closing
  })
})

describe('a task whose workers crashed', () => {
  it('runs again up to maxCrashes, and is dead-lettered after that with its items', async () => {
    const { backend, jobs, running, end } = setUp({ maxCrashes: 5 })
    jobs.start()
    const part = { batchId: 'batch', items: 7, crashes: 6 }
    ;(await backend.next()).answer([claimOf('last', { crashes: 5 }), claimOf('too often', part)])
    const step = await backend.next()
    expect(step.outcomes).toMatchObject([
      { kind: 'dead', claim: { id: 'too often' }, failedItems: 7, isStored: true },
    ])
    step.answer([])
    await expect.poll(() => running, SOON).toEqual(['last'])
    await end('last')
    await close(backend, jobs)
  })

  it('runs alone: other such tasks are released until it has finished', async () => {
    const { backend, jobs, running, end } = setUp()
    jobs.start()
    ;(await backend.next()).answer([claimOf('a', { crashes: 1 }), claimOf('b', { crashes: 1 }), claimOf('c')])
    const step = await backend.next()
    expect(kinds(step.outcomes)).toEqual(['release b'])
    expect(step.want).toBe(0)
    step.answer([])
    await expect.poll(() => running, SOON).toEqual(['c'])
    await end('c')
    ;(await backend.next()).answer([])
    await expect.poll(() => running, SOON).toEqual(['c', 'a'])
    await end('a')
    await close(backend, jobs)
  })
})

describe('a task that this process cannot run', () => {
  it('is released with a delay of 1 second', async () => {
    const { backend, jobs } = setUp()
    jobs.createQueue('other')
    jobs.registerProcessingCallback('somebody else', () => {})
    jobs.start('other')
    const step = await nextOf(backend, 1)
    const before = Date.now()
    step.answer([claimOf('mine', { queue: 'other' })])
    const last = await nextOf(backend, 0)
    const { outcomes } = last
    last.answer([])
    expect(kinds(outcomes)).toEqual(['release mine'])
    expect(outcomes[0]?.runAt).toBeGreaterThanOrEqual(before + 1_000)
    expect(outcomes[0]?.runAt).toBeLessThan(before + 2_000)
    await close(backend, jobs)
  })
})

describe('leases', () => {
  it('make their queue unhealthy when they cannot be renewed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { backend, jobs } = setUp({ leaseMs: 900 }, 10, () => new Promise(() => {}))
    jobs.on('error', () => {})
    vi.spyOn(backend, 'renew').mockImplementation(() => {
      throw new Error('full')
    })
    jobs.start()
    ;(await backend.next()).answer([claimOf('a')])
    await backend.next()
    await vi.advanceTimersByTimeAsync(300)
    expect(await jobs.getQueueHealth()).toEqual({
      health: 'unhealthy',
      reasons: ['Its backend rejects writes: full'],
    })
  })

  it('are renewed after 33% of their duration; lost and cancelled tasks are aborted', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const reasons: string[] = []
    const { backend, jobs } = setUp({ leaseMs: 900, graceMs: 60_000 }, 10, (_, { signal, taskId }) => {
      signal.addEventListener('abort', () =>
        reasons.push(`${taskId} ${(signal.reason as { why: string }).why}`),
      )
      return new Promise(() => {})
    })
    jobs.start()
    const [a, b] = [claimOf('a'), claimOf('b')]
    ;(await backend.next()).answer([a, b])
    await vi.advanceTimersByTimeAsync(299)
    expect(backend.renewals).toBe(0)
    backend.renewed = { lost: [a], cancelled: [b] }
    await vi.advanceTimersByTimeAsync(1)
    expect(backend.renewals).toBe(1)
    expect(reasons).toEqual(['a lost', 'b cancelled'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(kinds((await nextOf(backend, 0)).outcomes)).toContain('cancelled b')
  })
})

describe('failed items of a batch job', () => {
  it('are retried alone', async () => {
    const { backend, jobs } = setUp({}, 10, (items: number[], { failItem }) => {
      for (const [index, item] of items.entries()) if (item < 0) failItem(index, new Error('Below zero.'))
    })
    jobs.start()
    ;(await backend.next()).answer([claimOf('part', { batchId: 'b', items: 4, data: '[1,-2,3,-4]' })])
    const { outcomes } = await backend.next()
    expect(outcomes).toMatchObject([{ kind: 'retry', doneItems: 2, data: '[-2,-4]' }])
    expect(outcomes[0]?.failure?.message).toBe('2 items failed. First error: Below zero.')
  })

  it('are not retried if all of them failed permanently', async () => {
    for (const [last, kind] of [
      [new UnretryableError('Never.'), 'dead'],
      [new Error('Perhaps.'), 'retry'],
    ] as const) {
      const { backend, jobs } = setUp({}, 10, (_, { failItem }) => {
        failItem(0, new UnretryableError('Never.'))
        failItem(1, last)
      })
      jobs.start()
      ;(await backend.next()).answer([claimOf('part', { batchId: 'b', items: 3, data: '[1,2,3]' })])
      expect((await backend.next()).outcomes).toMatchObject([{ kind }])
    }
  })

  it('remain for the retry when other items finished before', async () => {
    const { backend, jobs } = setUp({})
    jobs.registerProcessor(
      'default',
      async (item: number) => {
        if (item === 2) throw new Error('No.')
      },
      { perItem: true },
    )
    jobs.start()
    ;(await backend.next()).answer([claimOf('part', { batchId: 'b', items: 3, data: '[1,2,3]' })])
    expect((await backend.next()).outcomes).toMatchObject([{ kind: 'retry', doneItems: 2, data: '[2]' }])
  })

  it('remain with the released part, unlike completed items', async () => {
    const { backend, jobs } = setUp({ graceMs: 0 })
    let second: (() => void) | undefined
    jobs.registerProcessor(
      'default',
      (item: number) =>
        item === 1
          ? undefined
          : new Promise<void>((resolve) => {
              second = resolve
            }),
      { perItem: true },
    )
    jobs.start()
    ;(await backend.next()).answer([claimOf('part', { batchId: 'b', items: 3, data: '[1,2,3]' })])
    await expect.poll(() => second, SOON).toBeDefined()
    void jobs.close()
    expect((await backend.next()).outcomes).toMatchObject([{ kind: 'release', doneItems: 1, data: '[2,3]' }])
  })
})

async function nextOf(backend: ScriptedBackend, most: number) {
  for (;;) {
    const step = await backend.next()
    if (most > 0 || step.outcomes.length > 0) return step
    step.answer([])
  }
}

/** Answers all remaining steps. */
async function close(backend: ScriptedBackend, jobs: AsyncBatchProcessingEngine): Promise<void> {
  const closing = jobs.close()
  const answering = setInterval(() => {
    for (const step of backend.steps.splice(0)) step.answer([])
  }, 1)
  await closing
  clearInterval(answering)
}
