import { createSluice, formatShadowDifference, type ShadowDifference } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { read, turn } from '../helpers.ts'

interface Results {
  readonly bare: unknown
  readonly optimized: unknown
  readonly unordered?: boolean
}

/** Two lookups whose batched result may differ from the original ones. */
async function compare({ bare, optimized, unordered = false }: Results): Promise<ShadowDifference[]> {
  const sluice = createSluice({ mode: 'shadow', cache: false })
  const differences: ShadowDifference[] = []
  sluice.on('shadowDifference', (difference) => differences.push(difference))
  const find = (key: number) => {
    const operation = read({
      key,
      run: async () => settle(bare),
      runMany: async (keys) => new Map(keys.map(({ text }) => [text, optimized])),
      cache: { key: `q${key}`, tables: ['t'] },
    })
    const traced: Operation<unknown> = {
      ...operation,
      unordered,
      stack: () => ({ stack: 'Error\n    at load (/app/a.ts:4:5)' }),
    }
    return hostOf(sluice).execute(traced)
  }
  const answers = await sluice.run(() => Promise.allSettled([find(1), find(2)]), { name: 'GET /rows' })
  // The caller always receives the original results.
  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason))).toEqual([
    bare,
    bare,
  ])
  await turn()
  return differences
}

function settle(value: unknown): unknown {
  if (value instanceof Error) throw value
  return value
}

describe('a shadow difference', () => {
  it('contains the path, the scope, the step and the call site', async () => {
    const [difference] = await compare({ bare: [{ id: 1 }], optimized: [{ id: 2 }] })
    expect(difference).toMatchObject({
      label: 'read',
      fingerprint: 'fp:read',
      scope: 'GET /rows',
      callSite: { file: '/app/a.ts', line: 4 },
      answeredBy: 'batch',
    })
  })

  const rows = (name: unknown) => [
    { id: 1, author: { name: 'x' } },
    { id: 2, author: { name: 'x' } },
    { id: 3, author: { name } },
  ]

  it.each<[string, Results, object]>([
    [
      'a field deep inside',
      { bare: rows('Ann'), optimized: rows('Bob') },
      { path: '[2].author.name', bare: { type: 'string' }, optimized: { type: 'string' } },
    ],
    [
      'a type',
      { bare: { n: 1n }, optimized: { n: 1 } },
      { path: 'n', bare: { type: 'bigint' }, optimized: { type: 'number' } },
    ],
    [
      'null',
      { bare: { n: null }, optimized: { n: undefined } },
      { path: 'n', bare: { type: 'null' }, optimized: { type: 'undefined' } },
    ],
    [
      'a date',
      { bare: [new Date(0)], optimized: [new Date(1)] },
      { path: '[0]', bare: { type: 'Date' }, optimized: { type: 'Date' } },
    ],
    [
      'a missing row',
      { bare: [1, 2], optimized: [1] },
      { path: '[1]', bare: { type: 'number' }, optimized: { type: 'missing' } },
    ],
    [
      'a field too many',
      { bare: {}, optimized: { a: 1 } },
      { path: 'a', bare: { type: 'missing' }, optimized: { type: 'number' } },
    ],
    [
      'no row',
      { bare: null, optimized: { a: 1 } },
      { path: '', bare: { type: 'null' }, optimized: { type: 'object' } },
    ],
    [
      'the order',
      { bare: [1, 2], optimized: [2, 1] },
      { path: '[0]', bare: { type: 'number' }, optimized: { type: 'number' } },
    ],
    [
      'a row among others in any order',
      { bare: [{ a: 1 }, { a: 2 }, { a: 3 }], optimized: [{ a: 3 }, { a: 1 }, { a: 9 }], unordered: true },
      { path: '[1].a', bare: { type: 'number' }, optimized: { type: 'number' } },
    ],
    [
      'a row too many in any order',
      { bare: [{ a: 1 }], optimized: [{ a: 2 }, { a: 1 }], unordered: true },
      { path: '[0]', bare: { type: 'missing' }, optimized: { type: 'object' } },
    ],
  ])('detects %s', async (_name, results, first) => {
    const differences = await compare(results)
    expect(differences).toHaveLength(2)
    expect(differences[0]?.first).toMatchObject(first)
  })

  it('is not reported for rows in a different order if the query has no order', async () => {
    expect(
      await compare({ bare: [{ a: 1 }, { a: 2 }], optimized: [{ a: 2 }, { a: 1 }], unordered: true }),
    ).toEqual([])
  })

  it('counts rows on both sides', async () => {
    const [lists] = await compare({ bare: [1, 2, 3], optimized: [1] })
    expect(lists).toMatchObject({ bare: '3 rows', optimized: '1 row', bareRows: 3, optimizedRows: 1 })
    const [one] = await compare({ bare: { a: 1 }, optimized: null })
    expect(one).toMatchObject({ bareRows: 1, optimizedRows: 0 })
    const [counts] = await compare({ bare: 7, optimized: 8 })
    expect(counts).not.toHaveProperty('bareRows')
  })

  it('describes an error by its class and code', async () => {
    const [difference] = await compare({
      bare: Object.assign(new TypeError('Ann is gone'), { code: 'P2025' }),
      optimized: [],
    })
    expect(difference).toMatchObject({ bare: 'TypeError P2025', optimized: '0 rows', optimizedRows: 0 })
    expect(difference).not.toHaveProperty('first')
    expect(JSON.stringify(difference)).not.toContain('Ann')
  })

  it('contains equal hashes for equal values, and different ones for others', async () => {
    const hashes = async (bare: unknown, optimized: unknown) =>
      (await compare({ bare: { v: bare }, optimized: { v: optimized } }))[0]?.first
    const left = await hashes('one', 'two')
    const right = await hashes('two', 'three')
    expect(left?.optimized.hash).toBe(right?.bare.hash)
    expect(left?.bare.hash).not.toBe(left?.optimized.hash)
    expect(left?.bare.hash).toMatch(/^[0-9a-f]{12}$/)
  })

  it('contains no values of the data', async () => {
    const secret = (value: string) => ({
      name: value,
      city: { postcode: '75011', mayor: 'Anne' },
      document: { 'ann@example.org': 'paid', 'key with spaces': 1 },
      born: new Date('1980-02-03T04:05:06Z'),
      salary: 123456789n,
    })
    const pairs: [unknown, unknown][] = [
      [secret('Ann'), secret('Bob')],
      [
        { ...secret('Ann'), document: { 'ann@example.org': 'paid' } },
        { ...secret('Ann'), document: { 'ann@example.org': 'open' } },
      ],
      [secret('Ann'), { ...secret('Ann'), salary: 987654321n, born: new Date(0) }],
      [[secret('Ann')], []],
      [secret('Ann'), null],
    ]
    for (const [bare, optimized] of pairs) {
      const [difference] = await compare({ bare, optimized })
      const shown = JSON.stringify(difference) + formatShadowDifference(difference as ShadowDifference)
      // A random hash may contain the digits of a value.
      const text = shown.replace(/[0-9a-f]{12}/g, '')
      for (const value of [
        'Ann',
        'Bob',
        '75011',
        'Anne',
        'ann@',
        'example.org',
        'key with',
        'paid',
        'open',
        '1980-',
        '123456789',
        '987654321',
      ]) {
        expect(text).not.toContain(value)
      }
    }
  })

  it('is formatted for a terminal', async () => {
    const [difference] = await compare({ bare: rows('Ann'), optimized: rows('Bob') })
    expect(formatShadowDifference(difference as ShadowDifference).replace(/#[0-9a-f]{12}/g, '#…')).toBe(
      [
        '▲ Shadow  GET /rows   3 rows bare, 3 rows optimized',
        '  read  served by batch',
        '  at   /app/a.ts:4:5',
        '  diff [2].author.name: string #… bare, string #… optimized',
      ].join('\n'),
    )
    expect(formatShadowDifference(difference as ShadowDifference, { color: true })).toContain(
      '\u001b[31m▲ Shadow',
    )
  })
})

describe('the step of a shadow difference', () => {
  it('is the database if nothing was batched, and the cache on a hit', async () => {
    const sluice = createSluice({ mode: 'shadow', batch: false, prefetch: false })
    const ways: unknown[] = []
    sluice.on('shadowDifference', ({ answeredBy }) => ways.push(answeredBy))
    let version = 0
    const find = () =>
      hostOf(sluice).execute(read({ run: async () => ++version, cache: { key: 'q', tables: ['t'] } }))
    for (let i = 0; i < 2; i += 1) {
      await sluice.run(find)
      await turn()
    }
    expect(ways).toEqual(['database', 'cache'])
  })
})

describe('additional queries of shadow mode', () => {
  it('are not counted in a scope, and cause no finding', async () => {
    const sluice = createSluice({ mode: 'shadow', cache: false, batch: false, prefetch: false })
    const reports: unknown[] = []
    sluice.on('scope', ({ queries, findings }) => reports.push({ queries, findings: findings.length }))
    await sluice.run(async () => {
      for (let i = 0; i < 3; i += 1)
        await hostOf(sluice).execute(read({ run: async () => i, cache: { key: `q${i}`, tables: ['t'] } }))
    })
    expect(reports).toEqual([{ queries: 3, findings: 0 }])
    await turn()
    expect(sluice.queries.getStats()).toMatchObject({ executed: 6, shadowed: 3 })
  })
})
