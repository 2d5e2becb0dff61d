import { createSluice, formatFinding } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeClock, read } from '../../helpers.ts'

const at = (line: number) => ({ stack: `Error\n    at load (/app/helper.ts:${line}:7)` })

function setUp() {
  const clock = new FakeClock()
  const sluice = createSluice({ clock })
  const query = (label: string, line: number, rows = 1, ms = 0) => {
    const run = async () => {
      clock.advance(ms)
      return Array.from({ length: rows }, () => ({}))
    }
    return hostOf(sluice).execute({ ...read({ run, label }), stack: () => at(line) })
  }
  const request = (name: string, { line = 5, count = 5, ms = 10, parent = 'list' } = {}) =>
    sluice.run(
      async () => {
        await query(parent, 3, 9)
        for (let i = 0; i < count; i += 1) await query('each', line, 1, ms)
      },
      { name },
    )
  const listed = () =>
    sluice.queries
      .getNPlusOnePatterns()
      .map(({ scope, callSite, occurrences, routes }) => [
        scope,
        callSite?.line,
        occurrences,
        routes.map((route) => [route.scope, route.count, route.occurrences]),
      ])
  return { clock, sluice, request, listed }
}

describe('a finding of several routes', () => {
  it('is one finding with its routes, largest savings first', async () => {
    const { sluice, request, listed } = setUp()
    for (const [at, name] of [...'abcde'].entries()) await request(name, { ms: 14 - at })
    await request('c', { count: 9 })
    expect(listed()).toEqual([
      ['c', 5, 6, [['c', 9, 2], ...['a', 'b', 'd', 'e'].map((name) => [name, 5, 1])]],
    ])
    const [finding] = sluice.queries.getNPlusOnePatterns()
    expect(finding).toMatchObject({ count: 9, severity: 'medium', impact: { occurrences: 6, savedMs: 288 } })
    expect(finding?.routes[1]?.impact).toMatchObject({
      occurrences: 1,
      savedMs: expect.closeTo(50.4),
      scopeMs: 70,
    })
  })

  it('has the severity of the savings in all routes', async () => {
    const { sluice, request } = setUp()
    for (const name of ['a', 'b', 'c']) await request(name, { ms: 100 })
    expect(sluice.queries.getNPlusOnePatterns().map(({ severity }) => severity)).toEqual(['high'])
  })

  it('does not include other call sites or other parent queries', async () => {
    const { sluice, request, listed } = setUp()
    await request('a')
    await request('b', { line: 6 })
    await request('c', { parent: 'other list' })
    expect(listed()).toHaveLength(3)
    // The id depends on the file only, so that it survives changes of lines.
    expect(new Set(sluice.queries.getNPlusOnePatterns().map(({ id }) => id)).size).toBe(1)
  })

  it('is reported by events for each route', async () => {
    const { sluice, request } = setUp()
    const scopes: string[] = []
    sluice.on('finding', (finding) => scopes.push(formatFinding(finding).split(/ {2,}/)[1] ?? ''))
    for (const name of ['a', 'b']) await request(name)
    expect(scopes).toEqual(['a', 'b'])
  })
})
