import { createSluice, type DetectionOptions, type Finding, formatFinding, NPlusOneError } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { hashShape } from '../../../src/sql/fingerprint.ts'
import { read, touching, write } from '../../helpers.ts'

const at = (file: string, line = 1) => ({ stack: `Error\n    at load (${file}:${line}:7)` })

interface Asked {
  readonly values?: unknown
  readonly site?: { readonly stack: string }
  readonly table?: string
  readonly run?: () => Promise<unknown>
}

function setUp(detection: DetectionOptions = {}) {
  const sluice = createSluice({ detection })
  const findings: Finding[] = []
  sluice.on('finding', (finding) => findings.push(finding))
  const ask = (
    label: string,
    { values, site = at('/app/a.ts'), table, run = async () => null }: Asked = {},
  ) => {
    const operation = read({ run, label })
    const shape = { fingerprint: hashShape(label), label, kind: 'read' as const, table }
    const asked: Operation<unknown> & { values(): unknown } = {
      ...operation,
      shape,
      stack: () => site,
      values: () => values,
    }
    return hostOf(sluice).execute(asked)
  }
  const inLoop = async (times: number, label: string, asked: Asked = {}) => {
    for (let i = 0; i < times; i += 1) await ask(label, { values: { id: i }, ...asked })
  }
  const writeOnce = () => hostOf(sluice).execute(write(touching('t'), async () => 1))
  return { sluice, findings, ask, inLoop, writeOnce }
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('repeated queries', () => {
  it('are reported from the third equal query on, regardless of the order of fields', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 2; i += 1) await ask('twice', { values: { where: { id: 1 } } })
      await ask('thrice', { values: { a: 1, b: new Date(5) } })
      await ask('thrice', { values: { b: new Date(5), a: 1 } })
      await ask('thrice', { values: { a: 1, b: new Date(5) } })
    })
    expect(findings).toMatchObject([
      {
        code: 'REPEATED_QUERY',
        label: 'thrice',
        count: 3,
        pattern: 'sequential',
        queries: 5,
        queriesPossible: 3,
        callSite: { line: 1 },
      },
    ])
    expect(findings[0]).not.toHaveProperty('fix')
    expect(formatFinding(findings[0] as Finding)).toMatch(
      /^▲ Repeated {2}run {3}5 queries → 3 possible\n.*equal values, sequential\n.*\n {2}fix {2}query once/,
    )
  })

  it('are reported instead of an N+1 if most of its queries are duplicates', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 20; i += 1) await ask('two authors', { values: { id: i % 2 } })
      for (let i = 0; i < 20; i += 1) await ask('mostly different', { values: { id: Math.max(i, 3) } })
    })
    expect(findings.map(({ code, label, count }) => [code, label, count])).toEqual([
      ['REPEATED_QUERY', 'two authors', 20],
      ['N_PLUS_ONE', 'mostly different', 20],
    ])
    expect(findings[0]?.queriesPossible).toBe(22)
  })

  it('count only queries that were sent more than once', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (const id of [1, 1, 1, 2]) await ask('q', { values: { id } })
    })
    expect(findings).toMatchObject([{ code: 'REPEATED_QUERY', count: 3, queriesPossible: 2 }])
  })

  it('are extrapolated from the first 64 queries', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 200; i += 1) await ask('q', { values: [7] })
    })
    expect(findings).toMatchObject([{ code: 'REPEATED_QUERY', count: 200, queriesPossible: 3 }])
  })

  it('are not reported across a write', async () => {
    const { sluice, findings, ask, writeOnce } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) {
        await ask('q', { values: { id: 1 } })
        await writeOnce()
      }
    })
    expect(findings).toEqual([])
  })

  it.each([
    ['not known', undefined],
    ['not comparable', { fn: () => 1 }],
  ])('are not reported when values are %s', async (_name, values) => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) await ask('few', { values })
      for (let i = 0; i < 5; i += 1) await ask('many', { values })
    })
    expect(findings.map(({ code, label }) => [code, label])).toEqual([['N_PLUS_ONE', 'many']])
  })

  it('are distinguished by call site', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 6; i += 1)
        await ask('q', { values: { id: 1 }, site: at(i % 3 === 0 ? '/app/a.ts' : '/app/b.ts') })
    })
    expect(findings.map(({ code, callSite, count }) => [code, callSite?.file, count])).toEqual([
      ['REPEATED_QUERY', '/app/b.ts', 5],
    ])
  })

  it('have a separate option', async () => {
    const { sluice, findings, ask } = setUp({ repeats: 2 })
    await sluice.run(async () => {
      for (let i = 0; i < 2; i += 1) await ask('q', { values: [1] })
    })
    expect(findings).toMatchObject([{ code: 'REPEATED_QUERY', count: 2 }])
  })

  it('are not reported across scopes', async () => {
    const { sluice, findings, ask } = setUp()
    for (let i = 0; i < 5; i += 1) await sluice.run(() => ask('q', { values: [1] }))
    expect(findings).toEqual([])
  })
})

describe('patterns', () => {
  it('are reported separately for two alternating loops', async () => {
    const { sluice, findings, ask } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 6; i += 1) {
        await ask('posts', { values: i, site: at('/app/a.ts', 1) })
        await ask('comments', { values: i, site: at('/app/a.ts', 2) })
      }
    })
    expect(findings.map(({ label, pattern, count }) => [label, pattern, count])).toEqual([
      ['posts', 'sequential', 6],
      ['comments', 'sequential', 6],
    ])
  })

  it('are interleaved for several concurrent loops with one normalized query', async () => {
    const { sluice, findings, ask } = setUp()
    let values = 0
    const loop = async () => {
      for (let i = 0; i < 6; i += 1) {
        values += 1
        await ask('posts', { values, run: () => new Promise((resolve) => setImmediate(resolve)) })
      }
    }
    await sluice.run(async () => {
      await ask('posts', { values: 'first' })
      for (let i = 0; i < 6; i += 1) await ask('posts', { values: `alone ${i}` })
      await Promise.all([loop(), loop()])
    })
    expect(findings).toMatchObject([{ pattern: 'interleaved', count: 19 }])
  })
})

describe('throw mode', () => {
  it('rejects after a successful function, with the findings as a string without colors', async () => {
    const { sluice, inLoop, findings } = setUp({ mode: 'throw' })
    const error = await failure(sluice.run(() => inLoop(6, 'again'), { name: 'job' }))
    expect(error).toBeInstanceOf(NPlusOneError)
    expect(error).toMatchObject({ code: 'SLUICE_N_PLUS_ONE', findings: [{ label: 'again', count: 6 }] })
    expect((error as Error).message).toBe(formatFinding(findings[0] as Finding))
    expect((error as Error).message).not.toContain('\u001b')
  })

  it('returns results if there are no findings', async () => {
    const { sluice, inLoop } = setUp({ mode: 'throw' })
    expect(await sluice.run(() => inLoop(4, 'few').then(() => 7))).toBe(7)
  })

  it('rejects with the error of the function, and still reports findings', async () => {
    const { sluice, inLoop, findings } = setUp({ mode: 'throw' })
    const own = new Error('own')
    const run = sluice.run(async () => {
      await inLoop(6, 'again')
      throw own
    })
    expect(await failure(run)).toBe(own)
    expect(findings).toHaveLength(1)
  })

  it('throws on the first end of a scope, and returns the report on the second', async () => {
    const { sluice, inLoop } = setUp({ mode: 'throw' })
    const scope = sluice.openScope('handle')
    await scope.enter(() => inLoop(6, 'again'))
    expect(() => scope.end()).toThrow(NPlusOneError)
    expect(scope.end().findings).toHaveLength(1)
  })

  it('is not the default', async () => {
    const { sluice, inLoop } = setUp()
    await sluice.run(() => inLoop(6, 'again'))
  })
})

describe('a budget', () => {
  it('reports a scope that exceeds it, with its queries', async () => {
    const { sluice, findings, inLoop } = setUp({ budget: 3 })
    await sluice.run(() => inLoop(3, 'three'), { name: 'within' })
    await sluice.run(() => inLoop(4, 'four', { site: at('/app/b.ts', 9) }), { name: 'over' })
    expect(findings).toMatchObject([
      {
        code: 'QUERY_BUDGET',
        scope: 'over',
        label: 'more than 3 queries',
        count: 4,
        queries: 4,
        queriesPossible: 3,
        groups: [{ label: 'four', count: 4, callSite: { file: '/app/b.ts', line: 9 } }],
      },
    ])
    expect(formatFinding(findings[0] as Finding)).toBe(
      '▲ Budget  over   4 queries, 3 allowed\n  4× four  0.0 ms\n     at   /app/b.ts:9:7'.replace(
        '0.0',
        (findings[0]?.groups?.[0]?.databaseMs ?? 0).toFixed(1),
      ),
    )
  })

  it('applies to scope names, and the first match counts', async () => {
    const { sluice, findings, inLoop } = setUp({ budget: { 'GET /cities/*': 2, 'GET *': 1 } })
    for (const name of ['GET /cities/:id', 'GET /other', 'POST /other'])
      await sluice.run(() => inLoop(2, name), { name })
    expect(findings.map(({ scope }) => scope)).toEqual(['GET /other'])
  })

  it('allows no query when it is 0', async () => {
    const { sluice, findings, inLoop } = setUp({ budget: 0 })
    await sluice.run(() => inLoop(1, 'one'))
    expect(findings).toMatchObject([{ code: 'QUERY_BUDGET', label: 'more than 0 queries' }])
  })

  it('rejects in throw mode', async () => {
    const { sluice, inLoop } = setUp({ mode: 'throw', budget: 1 })
    expect(await failure(sluice.run(() => inLoop(2, 'two')))).toMatchObject({
      code: 'SLUICE_N_PLUS_ONE',
      findings: [{ code: 'QUERY_BUDGET' }],
    })
  })
})

describe('the ignore list', () => {
  const found = async (
    ignore: DetectionOptions['ignore'],
    label = 'City.findMany where id',
    table: string | undefined = 'public.city',
  ) => {
    const { sluice, findings, inLoop } = setUp({ mode: 'throw', ignore: ignore ?? [] })
    await failure(
      sluice.run(() =>
        inLoop(6, label, { site: at('/app/src/admin/list.ts'), ...(table === undefined ? {} : { table }) }),
      ),
    )
    return findings
  }

  it.each<[string, NonNullable<DetectionOptions['ignore']>[number]]>([
    ['fingerprint', hashShape('City.findMany where id')],
    ['fingerprint in an object', { fingerprint: hashShape('City.findMany where id') }],
    ['model', { model: 'City' }],
    ['table', { table: 'City' }],
    ['table with its schema', { table: 'public.city' }],
    ['call site', { callSite: '*/admin/*' }],
    ['all of several', { callSite: '*/admin/*', model: 'City' }],
  ])('suppresses findings by %s', async (_name, rule) => {
    expect(await found([rule])).toEqual([])
  })

  it.each<[string, NonNullable<DetectionOptions['ignore']>[number]]>([
    ['id', '00000000'],
    ['model', { model: 'Cit' }],
    ['table', { table: 'other.city' }],
    ['call site', { callSite: '*/routes/*' }],
    ['one of several', { callSite: '*/admin/*', model: 'Country' }],
  ])('does not suppress findings by a different %s', async (_name, rule) => {
    expect(await found([rule])).toHaveLength(1)
  })

  it('compares call sites with relative paths, too', async () => {
    const foundAt = async (file: string, callSite: string) => {
      const { sluice, findings, inLoop } = setUp({ ignore: [{ callSite }] })
      await sluice.run(() => inLoop(6, 'q', { site: at(file) }))
      return findings.length
    }
    expect(await foundAt(`${process.cwd()}/src/admin/list.ts`, 'src/admin/*')).toBe(0)
    expect(await foundAt(`${process.cwd()}/src/admin/list.ts`, 'admin/*')).toBe(1)
  })

  it('suppresses a finding by its ID', async () => {
    const [finding] = await found([])
    expect(await found([finding?.id ?? ''])).toEqual([])
  })

  it('reads the table from SQL if the adapter reports none', async () => {
    expect(await found([{ table: 'cities' }], 'select * from `cities` where `id` = ?', '')).toHaveLength(1)
    const { sluice, findings, inLoop } = setUp({ ignore: [{ table: 'cities' }] })
    await sluice.run(() => inLoop(6, 'select * from `cities` where `id` = ?'))
    expect(findings).toEqual([])
  })

  it('suppresses a budget finding by its ID', async () => {
    const over = setUp({ budget: 1 })
    await over.sluice.run(() => over.inLoop(2, 'q'))
    const silent = setUp({ budget: 1, ignore: [over.findings[0]?.id ?? ''] })
    await silent.sluice.run(() => silent.inLoop(2, 'q'))
    expect(silent.findings).toEqual([])
  })
})

describe('detection options', () => {
  it.each<[string, unknown]>([
    ['detection.repeats', { repeats: 1 }],
    ['detection.mode', { mode: 'warn' }],
    ['detection.budget', { budget: -1 }],
    ['detection.budget', { budget: { 'GET *': 1.5 } }],
    ['detection.budget', { budget: ['GET *'] }],
    ['detection.ignore', { ignore: 'City' }],
    ['detection.ignore', { ignore: [''] }],
    ['detection.ignore', { ignore: ['GET /books'] }],
    ['detection.ignore', { ignore: ['N_PLUS_ONE'] }],
    ['detection.ignore', { ignore: [{}] }],
    ['detection.ignore', { ignore: [{ models: 'City' }] }],
    ['detection.ignore', { ignore: [{ model: 7 }] }],
  ])('include %s in the error when it is invalid: %j', (option, detection) => {
    expect(() => createSluice({ detection: detection as DetectionOptions })).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }),
    )
  })
})
