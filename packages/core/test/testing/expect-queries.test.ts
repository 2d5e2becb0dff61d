import { createSluice, type DetectionOptions, NPlusOneError, type Sluice } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { expectNoNPlusOne, expectQueries, QueryAssertionError } from '@sluice/core/testing'
import { describe, expect, it } from 'vitest'
import { read, turn } from '../helpers.ts'

const failure = (promise: Promise<unknown>): Promise<QueryAssertionError> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: QueryAssertionError) => error,
  )

function setUp(detection: DetectionOptions | false = {}) {
  const sluice = createSluice({ detection })
  const ask = (label: string, line = 3) => {
    const operation = read({ run: async () => label, label })
    const shape = { fingerprint: label, label, kind: 'read' as const, fix: () => `fix of ${label}` }
    const asked: Operation<unknown> = {
      ...operation,
      shape,
      stack: () => ({ stack: `Error\n    at load (/app/a.ts:${line}:7)` }),
    }
    return hostOf(sluice).execute(asked)
  }
  const inLoop = async (times: number, label = 'again') => {
    for (let i = 0; i < times; i += 1) await ask(label)
    return 'done'
  }
  return { sluice, ask, inLoop }
}

describe('a budget that cannot be measured', () => {
  const check = (sluice: Sluice, fn: () => unknown) => [
    () => expectQueries(fn, { sluice }).toBeAtMost(3),
    () => expectQueries(fn, { sluice, everything: true }).toBe(0),
    () => expectNoNPlusOne(fn, { sluice }),
  ]

  it('fails without an instrumented client', async () => {
    for (const run of check(createSluice(), () => 7))
      await expect(run()).rejects.toMatchObject({ name: 'SluiceError', code: 'SLUICE_NO_CLIENT' })
  })

  it('fails for a closed Sluice, without running the function', async () => {
    const { sluice, ask } = setUp()
    await ask('once')
    await sluice.close()
    for (const run of check(sluice, () => expect.unreachable()))
      await expect(run()).rejects.toMatchObject({ name: 'SluiceError', code: 'SLUICE_CLOSED' })
  })

  it('is measured with a client that the function instruments, and without queries', async () => {
    const attach = (sluice: Sluice) => hostOf(sluice).nextSourceId('orm')
    const sluice = createSluice()
    await expectQueries(() => attach(sluice), { sluice }).toBe(0)
    await expectNoNPlusOne(() => 7, { sluice })
  })

  it('is measured with an adapter that does not name its clients', async () => {
    const { sluice, ask } = setUp()
    await expectQueries(() => ask('once'), { sluice }).toBe(1)
  })

  it('fails with the error of the function first', async () => {
    const fail = () => Promise.reject(new Error('mine'))
    await expect(expectQueries(fail, { sluice: createSluice() }).toBe(0)).rejects.toThrow('mine')
  })
})

describe('expectQueries', () => {
  it('resolves to the result of the function if the number is correct', async () => {
    const { sluice, inLoop } = setUp()
    const queries = () => expectQueries(() => inLoop(3), { sluice })
    expect(await queries().toBe(3)).toBe('done')
    expect(await queries().toBeAtMost(3)).toBe('done')
    expect(await queries().toBeAtLeast(3)).toBe('done')
  })

  it.each([
    ['toBe', 2, '2 queries'],
    ['toBe', 4, '4 queries'],
    ['toBeAtMost', 1, 'at most 1 query'],
    ['toBeAtLeast', 4, 'at least 4 queries'],
  ] as const)('fails %s(%i) for 3 queries in the format of test runners', async (method, expected, words) => {
    const { sluice, inLoop } = setUp()
    const error = await failure(expectQueries(() => inLoop(3), { sluice })[method](expected))
    expect(error).toBeInstanceOf(QueryAssertionError)
    expect(error).toMatchObject({ name: 'AssertionError', expected, actual: 3 })
    expect(error.message.split('\n')[0]).toBe(`expected ${words}, got 3`)
  })

  it('counts the queries of each open Sluice by default', async () => {
    const one = setUp()
    const other = setUp()
    const closed = setUp()
    await closed.sluice.close()
    await expectQueries(async () => {
      await one.inLoop(3)
      await other.inLoop(2)
    }).toBe(5)
    const looping = failure(expectNoNPlusOne(() => other.inLoop(10)))
    expect((await looping).message).toContain('fix of again')
    await expectNoNPlusOne(() => one.ask('once'))
  })

  it('lists queries by count, with call sites and fixes', async () => {
    const { sluice, ask, inLoop } = setUp()
    const work = async () => {
      await ask('once', 1)
      await inLoop(10)
    }
    const { message } = await failure(expectQueries(work, { sluice }).toBeAtMost(3))
    expect(message.replace(/\d+(?:\.\d)? ms/g, 'ms')).toBe(
      [
        'expected at most 3 queries, got 11',
        '',
        '  10× again  ms',
        '      at   /app/a.ts:3:7',
        '      fix  fix of again',
        '   1× once  ms',
        '      at   /app/a.ts:1:7',
        '',
      ].join('\n'),
    )
  })

  it('has a stack that starts at the expectation', async () => {
    const { sluice, inLoop } = setUp()
    const error = await failure(expectQueries(() => inLoop(3), { sluice }).toBe(1))
    expect(error.stack?.split('\n').find((line) => line.startsWith('    at '))).toContain(
      'expect-queries.test.ts',
    )
  })

  it('counts queries of nested scopes, even while they are open', async () => {
    const { sluice, ask, inLoop } = setUp()
    const work = async () => {
      await sluice.run(() => sluice.run(() => inLoop(2)))
      const open = sluice.openScope('request')
      await open.enter(() => ask('open'))
    }
    await expectQueries(work, { sluice }).toBe(3)
  })

  it('counts queries of a nested expectation in the outer one', async () => {
    const { sluice, inLoop } = setUp()
    await expectQueries(() => expectQueries(() => inLoop(2), { sluice }).toBe(2), { sluice }).toBe(2)
  })

  it('excludes concurrent queries of other scopes, and counts them with `everything`', async () => {
    const { sluice, ask, inLoop } = setUp()
    const server: (() => Promise<unknown>)[] = []
    const request = () =>
      new Promise<void>((resolve) =>
        server.push(() =>
          sluice
            .run(() => inLoop(3))
            .then(() => ask('outside'))
            .then(() => resolve()),
        ),
      )
    const serve = async () => {
      while (server.length === 0) await turn()
      await server.pop()?.()
    }
    const both = (everything: boolean) => {
      const serving = serve()
      return expectQueries(() => Promise.all([request(), inLoop(1), serving]), { sluice, everything })
    }
    await both(false).toBe(1)
    await both(true).toBe(5)
    const { message } = await failure(both(true).toBe(1))
    expect(message).toMatch(/^expected 1 query, got 5 \(4 operations in scopes\)\n\n {2}4× again/)
  })

  it('runs the function once, on the first assertion', async () => {
    const { sluice, ask } = setUp()
    let runs = 0
    const queries = expectQueries(
      () => {
        runs += 1
        return ask('q')
      },
      { sluice },
    )
    expect(runs).toBe(0)
    await queries.toBeAtMost(2)
    await queries.toBeAtLeast(1)
    expect(runs).toBe(1)
  })

  it('rejects with the error of the function, and ends its scope', async () => {
    const { sluice } = setUp()
    const names: string[] = []
    sluice.on('scope', ({ name }) => names.push(name))
    const own = new Error('own')
    const fail = () => Promise.reject(own)
    expect(await failure(expectQueries(fail, { sluice }).toBe(0))).toBe(own)
    expect(names).toEqual(['test'])
  })

  it('fails for findings in throw mode only if the number is correct', async () => {
    const { sluice, inLoop } = setUp({ mode: 'throw' })
    const queries = () => expectQueries(() => inLoop(9), { sluice })
    expect(await failure(queries().toBe(1))).toBeInstanceOf(QueryAssertionError)
    expect(await failure(queries().toBe(9))).toBeInstanceOf(NPlusOneError)
  })

  it.each([-1, 1.5, '3', undefined])('throws for the number %s', async (number) => {
    const { sluice, inLoop } = setUp()
    const error = await failure(expectQueries(() => inLoop(1), { sluice }).toBe(number as number))
    expect(error).toMatchObject({ code: 'SLUICE_INVALID_ARGUMENT', argument: 'queries' })
  })

  it('rejects an invalid function, Sluice or option', async () => {
    expect(() => expectQueries(7 as never)).toThrow(expect.objectContaining({ argument: 'fn' }))
    expect(() => expectQueries(() => 1, { all: true } as never)).toThrow(
      expect.objectContaining({ option: 'all' }),
    )
    expect(await failure(expectQueries(() => 1, { sluice: {} as Sluice }).toBe(0))).toMatchObject({
      code: 'SLUICE_INVALID_ARGUMENT',
    })
  })
})

describe('expectNoNPlusOne', () => {
  it('resolves to the result of the function if there are no findings', async () => {
    const { sluice, inLoop } = setUp()
    expect(await expectNoNPlusOne(() => inLoop(4), { sluice })).toBe('done')
  })

  it('shows its findings, also in nested scopes and in throw mode', async () => {
    for (const mode of ['log', 'throw'] as const) {
      const { sluice, inLoop } = setUp({ mode })
      const work = async () => {
        await inLoop(6, 'here')
        const open = sluice.openScope('GET /cities')
        await open.enter(() => inLoop(7, 'inside'))
      }
      const error = await failure(expectNoNPlusOne(work, { sluice }))
      expect(error).toMatchObject({ name: 'AssertionError', expected: 0, actual: 2 })
      expect(error.message).toMatch(
        /▲ N\+1 {2}test .*6× here.*fix of here.*▲ N\+1 {2}GET \/cities .*7× inside/s,
      )
    }
  })

  it('uses the options of the Sluice, except its budget', async () => {
    const lenient = setUp({ threshold: 20, budget: 3 })
    await expectNoNPlusOne(() => lenient.inLoop(19), { sluice: lenient.sluice })
  })

  it('throws for a Sluice without detection', async () => {
    const { sluice, inLoop } = setUp(false)
    expect(await failure(expectNoNPlusOne(() => inLoop(9), { sluice }))).toMatchObject({ argument: 'sluice' })
  })
})
