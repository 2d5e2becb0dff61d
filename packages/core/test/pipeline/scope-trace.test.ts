import { createSluice, type Sluice } from '@sluice/core'
import { hostOf, type ScopeTrace } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeClock, FakeTable, read, turn } from '../helpers.ts'

function tracing(sluice: Sluice): string[] {
  const told: string[] = []
  const trace: ScopeTrace = {
    executed: ({ shape, count }, startedAt, endedAt, rows, failed) =>
      void told.push(
        `executed ${shape.label} ${count} ${startedAt}-${endedAt} ${rows}${failed ? ' failed' : ''}`,
      ),
    merged: ({ shape }) => void told.push(`merged ${shape.label}`),
    saved: ({ shape }, by, count) => void told.push(`saved ${shape?.label} ${by} ${count}`),
  }
  hostOf(sluice).scopes.watch((scope) => scope.addTrace(trace))
  return told
}

describe('a trace of a scope', () => {
  it('receives the operations of the scope, successful or failed, and no others', async () => {
    const clock = new FakeClock()
    const sluice = createSluice({ clock })
    const told = tracing(sluice)
    const { execute } = hostOf(sluice)
    const ask = (run: () => Promise<unknown>) => execute(read({ run, label: 'a' }))
    await sluice.run(async () => {
      await ask(async () => {
        clock.advance(3)
        return [1, 2]
      })
      await ask(() => Promise.reject(new Error('no'))).catch(() => {})
    })
    await ask(async () => [])
    expect(told).toEqual(['executed a 1 1000-1003 2', 'executed a 2 1003-1003 0 failed'])
  })

  it('receives reads that are batched or served from the cache', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    const told = tracing(sluice)
    const { execute } = hostOf(sluice)
    const table = new FakeTable([{ id: 1 }, { id: 2 }, { id: 3 }])
    await sluice.run(async () => {
      const find = (key: number) =>
        execute(
          read({
            run: () => table.find(key),
            key,
            runMany: (keys) => table.findMany(keys.map((one) => one.values[0])),
            label: 'row',
          }),
        )
      await Promise.all([find(1), find(2), find(3)])
      await turn()
    })
    expect(told.filter((one) => one.startsWith('saved'))).toEqual(['saved row batch 2'])
    told.length = 0
    const cached = () =>
      execute(read({ run: async () => [1], cache: { key: 'k', tables: [] }, label: 'kept' }))
    await sluice.run(async () => {
      await cached()
      await cached()
    })
    expect(told.map((one) => one.split(' ').slice(0, 3).join(' '))).toEqual([
      'executed kept 1',
      'saved kept cache',
    ])
  })

  it('can be one of several', async () => {
    const sluice = createSluice()
    const [first, second] = [tracing(sluice), tracing(sluice)]
    await sluice.run(() => hostOf(sluice).execute(read({ run: async () => [], label: 'a' })))
    expect(first).toHaveLength(1)
    expect(second).toEqual(first)
  })
})

describe('an internal scope of Sluice', () => {
  it('is neither reported nor inspected, but its end is reported to followers of scopes', async () => {
    const sluice = createSluice()
    const told: string[] = []
    sluice.on('scope', () => void told.push('scope'))
    hostOf(sluice).scopes.watchEnds(() => void told.push('end'))
    await sluice.run(() => {
      const scope = hostOf(sluice).scopes.current()
      if (scope !== undefined) scope.isOwn = true
    })
    expect(told).toEqual(['end'])
  })
})
