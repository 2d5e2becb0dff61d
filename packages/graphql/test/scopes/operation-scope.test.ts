import { createSluice, type ScopeReport } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { OperationScope, runOperation } from '../../src/scopes/operation-scope.ts'

const sluice = createSluice({ detection: false })
let reports: ScopeReport[]
sluice.on('scope', (report) => reports.push(report))
beforeEach(() => {
  reports = []
})

const inScope = () => hostOf(sluice).scopes.current()?.name
const run = (execute: () => unknown) => runOperation(new OperationScope(sluice, 'query A'), execute)

async function* parts(seen: (string | undefined)[], end?: Error) {
  for (let at = 0; at < 3; at += 1) {
    seen.push(inScope())
    yield { data: at, hasNext: at < 2 }
  }
  if (end !== undefined) throw end
}

describe('runOperation', () => {
  it('returns a synchronous result unchanged', () => {
    const result = { data: 1 }
    expect(run(() => result)).toBe(result)
    expect(reports).toMatchObject([{ name: 'query A', failed: false }])
  })

  it('ends with a promise', async () => {
    let settle = (_: unknown) => {}
    const running = run(() => new Promise((resolve) => (settle = resolve)))
    expect(reports).toEqual([])
    settle({ data: 1 })
    expect(await running).toEqual({ data: 1 })
    expect(reports).toHaveLength(1)
  })

  it('fails the scope if the execution throws or rejects', async () => {
    const failure = new Error('no')
    expect(() =>
      run(() => {
        throw failure
      }),
    ).toThrow(failure)
    await expect(run(() => Promise.reject(failure))).rejects.toBe(failure)
    expect(reports).toMatchObject([{ failed: true }, { failed: true }])
  })

  it.each([
    [[{ message: 'no' }], true],
    [[{ message: 'no', extensions: {} }], true],
    [[{ message: 'no', extensions: { code: 'INTERNAL_SERVER_ERROR' } }], true],
    [[{ message: 'no', extensions: { code: 'FORBIDDEN' } }], false],
    [[], false],
  ])('sets failed for errors %j to %s', (errors, failed) => {
    run(() => ({ errors }))
    expect(reports).toMatchObject([{ failed }])
  })

  it('computes each part in the scope, and ends with the last', async () => {
    const seen: (string | undefined)[] = []
    const stream = (await run(async () => parts(seen))) as AsyncIterable<unknown>
    const got: unknown[] = []
    for await (const part of stream) {
      got.push(part)
      expect(reports).toEqual([])
    }
    expect(got).toHaveLength(3)
    expect(seen).toEqual(['query A', 'query A', 'query A'])
    expect(reports).toHaveLength(1)
  })

  it('ends when the consumer stops, and closes the stream', async () => {
    const seen: (string | undefined)[] = []
    const stream = run(() => parts(seen)) as AsyncIterable<unknown>
    for await (const _ of stream) break
    expect(seen).toHaveLength(1)
    expect(reports).toHaveLength(1)
  })

  it('fails the scope if a part fails or contains errors', async () => {
    const stream = run(() => parts([], new Error('no'))) as AsyncIterable<unknown>
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toThrow('no')
    async function* withErrors() {
      yield { incremental: [{ errors: [new Error('no')] }] }
    }
    for await (const _ of run(withErrors) as AsyncIterable<unknown>);
    expect(reports).toMatchObject([{ failed: true }, { failed: true }])
  })

  it('warns once if findings would have to fail it', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const strict = createSluice({ detection: { mode: 'throw', budget: { 'query A': 0 } } })
    for (let time = 0; time < 2; time += 1)
      runOperation(new OperationScope(strict, 'query A'), () => {
        const scope = hostOf(strict).scopes.current()
        if (scope !== undefined) scope.counts.queries += 1
        return {}
      })
    expect(warn).toHaveBeenCalledOnce()
    warn.mockRestore()
  })
})
