import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TraceFile } from '../../../src/sluice/trace/trace-file.ts'
import { readTrace } from '../../../src/yield/trace-lines.ts'
import { estimateYield } from '../../../src/yield/yield-report.ts'
import { MemoryDatabase } from '../../query/prefetch/memory-database.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-trace-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const transaction = (id: number) => ({ type: 'transaction', id, at: id, end: id }) as const

function openFile(into: string) {
  let now = 0
  const completed: string[] = []
  const errors: unknown[] = []
  const file = new TraceFile(into, {
    now: () => now,
    wall: () => 0,
    onComplete: (path) => completed.push(path),
    onError: (error) => errors.push(error),
  })
  onTestFinished(() => file.close())
  return {
    file,
    completed,
    errors,
    advance: (ms: number) => {
      now += ms
    },
  }
}

describe('a trace file', () => {
  it('contains all lines when it is closed, and only its user can read it', () => {
    const into = join(folder(), 'traces')
    const { file } = openFile(into)
    file.add(transaction(1))
    file.add(transaction(2))
    file.close()
    file.add(transaction(3))
    expect(
      readFileSync(file.path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    ).toEqual([1, 2])
    expect([statSync(file.path).mode & 0o777, statSync(into).mode & 0o777]).toEqual([0o600, 0o700])
    expect(file.path).toContain(`19700101T000000-${process.pid}-`)
  })

  it('is written every second, and is complete after an hour', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { file, completed, advance } = openFile(folder())
    file.add(transaction(1))
    advance(3_600_000)
    vi.advanceTimersByTime(1_000)
    expect(completed).toEqual([file.path])
    file.add(transaction(2))
    expect(readFileSync(file.path, 'utf8')).toContain('"id":1')
    expect(readFileSync(file.path, 'utf8')).not.toContain('"id":2')
  })

  it('is complete at 64 MB', () => {
    const { file, completed } = openFile(folder())
    const label = 'x'.repeat(9 * 1024 * 1024)
    for (let id = 1; id < 8; id += 1) file.add({ type: 'query', id, label })
    expect(completed).toEqual([])
    file.add({ type: 'query', id: 8, label })
    expect(completed).toEqual([file.path])
  })

  it('ends with an error if it cannot be written', () => {
    const into = join(folder(), 'file')
    writeFileSync(into, '')
    const { file, errors } = openFile(into)
    file.add(transaction(1))
    file.close()
    expect(errors).toEqual([expect.objectContaining({ code: 'EEXIST' })])
  })
})

describe('SLUICE_TRACE', () => {
  it('records a Sluice to a file in the folder', async () => {
    const into = folder()
    vi.stubEnv('SLUICE_TRACE', into)
    onTestFinished(() => void vi.unstubAllEnvs())
    const messages: string[] = []
    const log = (_: object, message: string) => void messages.push(message)
    const sluice = createSluice({ logger: { info: log, warn: log, error: log } })
    const database = new MemoryDatabase(sluice, { city: [{ id: 1 }] }, [])
    await vi.waitUntil(() => hostOf(sluice).trace.current !== undefined)
    await sluice.run(() => database.list('city'))
    await sluice.run(() => database.list('city'))
    await sluice.close()
    const [name = ''] = readdirSync(into)
    const { optimize, statements } = estimateYield(readTrace(readFileSync(join(into, name), 'utf8')))
    expect({ statements, ...optimize }).toEqual({ statements: 2, cached: 1, batched: 0, prefetched: 0 })
    expect(messages).toEqual([expect.stringContaining(`Recording a trace to ${into}`)])
  })

  it('is not read for a Sluice that was created without it', async () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    await new Promise(setImmediate)
    expect(hostOf(sluice).trace.current).toBeUndefined()
  })
})
