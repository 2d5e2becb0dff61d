import { describe, expect, it } from 'vitest'
import type { NewTask, TaskOutcome } from '../../../../src/jobs/backends/job-backend.ts'
import { MemoryBackend } from '../../../../src/jobs/backends/memory/memory-backend.ts'

const settings = { maxRetries: 0, maxCrashes: 5, timeoutMs: 0, backoff: 0, runAs: null }

function newTask(number: number): NewTask {
  const id = `task-${String(number).padStart(6, '0')}`
  const rest = { uniqueKey: null, batchId: null, chunk: 0, items: 0 }
  return {
    id,
    queue: 'q',
    level: 2,
    order: 1_000,
    data: String(number),
    runAt: 0,
    createdAt: 1_000,
    settings,
    ...rest,
  }
}

function outcomeOf(claim: TaskOutcome['claim'], kind: 'done' | 'dead'): TaskOutcome {
  const failure = kind === 'dead' ? { attempt: 1, at: 2_000, message: 'No.', log: [] } : null
  return {
    claim,
    kind,
    at: 2_000,
    runAt: 0,
    failure,
    isStored: kind === 'dead',
    doneItems: 0,
    failedItems: 0,
    data: null,
  }
}

describe('MemoryBackend', () => {
  it('finds the remaining tasks by ID after most have finished', () => {
    const backend = new MemoryBackend()
    backend.add(Array.from({ length: 5_000 }, (_, at) => newTask(at)))
    const { claims } = backend.step('q', [], 4_000)
    backend.step(
      'q',
      claims.filter((_, at) => at % 100 !== 7).map((claim) => outcomeOf(claim, 'done')),
      0,
    )
    expect(backend.get(newTask(3_907).id)).toMatchObject({ data: '3907', status: 'processing' })
    expect(backend.get(newTask(3_908).id)).toBeUndefined()
    backend.add([newTask(6_000)])
    expect(backend.get(newTask(4_999).id)).toMatchObject({ status: 'queued' })
    expect(backend.get(newTask(6_000).id)).toMatchObject({ status: 'queued' })
    expect(backend.list({}, { offset: 39, limit: 3 }).map(({ data }) => data)).toEqual([
      '3907',
      '4000',
      '4001',
    ])
    expect(backend.counts('q')).toMatchObject({ queued: 1_001, processing: 40 })
  })

  it('accepts each id once, in any order', () => {
    const backend = new MemoryBackend()
    backend.add([newTask(5), newTask(3)])
    expect(backend.add([newTask(3), newTask(4), newTask(5)])).toEqual([
      { id: newTask(3).id, isDuplicate: true },
      { id: newTask(4).id, isDuplicate: false },
      { id: newTask(5).id, isDuplicate: true },
    ])
    expect(backend.counts('q').queued).toBe(3)
  })

  it('lists dead letters in the order of their failure', () => {
    const backend = new MemoryBackend()
    backend.add([newTask(1), newTask(2), newTask(3)])
    const { claims } = backend.step('q', [], 3)
    backend.step(
      'q',
      [...claims].reverse().map((claim) => outcomeOf(claim, 'dead')),
      0,
    )
    expect(backend.list({ status: 'dead' }, { offset: 0, limit: 9 }).map(({ data }) => data)).toEqual([
      '3',
      '2',
      '1',
    ])
    expect(backend.list({ status: 'dead' }, { offset: 0, limit: 9 })[0]).toMatchObject({
      finishedAt: 2_000,
      createdAt: 1_000,
    })
  })

  it('accepts no outcome twice, and none of an earlier claim', () => {
    const backend = new MemoryBackend()
    backend.add([newTask(1)])
    const [claim] = backend.step('q', [], 1).claims
    if (claim === undefined) throw new Error('There is a task.')
    const old = { ...newTask(1), token: claim.token, attempts: 0, crashes: 0 }
    backend.step('q', [{ ...outcomeOf(claim, 'dead'), kind: 'release' }], 0)
    const [again] = backend.step('q', [], 1).claims
    expect(again).toBeDefined()
    expect(backend.step('q', [outcomeOf(old, 'done')], 0).lost).toHaveLength(1)
    if (again === undefined) throw new Error('It was given back.')
    expect(backend.step('q', [outcomeOf(again, 'done')], 0).lost).toHaveLength(0)
    expect(backend.step('q', [outcomeOf(again, 'done')], 0).lost).toHaveLength(1)
  })
})
