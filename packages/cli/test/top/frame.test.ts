import { describe, expect, it } from 'vitest'
import { readFindings, readSnapshot } from '../../src/dashboard/protocol.ts'
import { widthOf } from '../../src/report/cells.ts'
import { frame } from '../../src/top/frame.ts'
import { LiveModel } from '../../src/top/live-model.ts'
import { TopState } from '../../src/top/top-state.ts'
import { wireFinding, wireRoute, wireSnapshot } from '../support/live.ts'

const ROUTES = [
  wireRoute('GET /cities', { perSecond: 210, databaseMs: 3.1, p99: 22 }),
  wireRoute('GET /regions/:id', {
    perSecond: 96,
    queries: 41.2,
    databaseMs: 30.4,
    p99: 618,
    flags: ['N_PLUS_ONE'],
  }),
  wireRoute('GET /idle', {
    perSecond: 0,
    databaseMs: 90,
    overBudget: 2,
    flags: ['QUERY_BUDGET', 'REPEATED_QUERY'],
  }),
]

interface Size {
  readonly columns: number
  readonly rows: number
}

const lines = (
  size: Partial<Size> = {},
  state = new TopState(),
  routes: readonly unknown[] = ROUTES,
  of: object = {},
) =>
  frame(new LiveModel(readSnapshot(wireSnapshot(routes))).view(), state, {
    paint: (_style: string, text: string) => text,
    columns: 100,
    rows: 24,
    slowMs: 500,
    address: 'http://app/_sluice',
    ...size,
    findings: readFindings({ findings: [wireFinding] }),
    ...of,
  })
const text = (...of: Parameters<typeof lines>) => lines(...of).join('\n')

describe('frame', () => {
  it('starts with the figures of the app', () => {
    expect(lines()[0]).toBe('sluice top  atlas · 4 procs · 412 req/s · p99 38 ms · hit 91% · observe')
    expect(lines()[1]).toMatch(
      /^1,208 queries\/s · errors 0\.2% · cpu 14% · memory 45% · loop 1\.2 ms .*req\/s ▅█$/,
    )
  })

  it('lists the most expensive routes first, with flags', () => {
    const table = lines().filter((line) => line.includes('GET /'))
    expect(table.map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
      '▸ GET /regions/:id',
      'GET /cities',
      'GET /idle',
    ])
    expect(table[0]).toMatch(/96 +41\.2 +30\.4 .* 618 .*N\+1 SLOW$|N\+1 SLOW *$/)
    expect(table[2]).toMatch(/BUDGET \+1$/)
  })

  it.each([
    [120, 30],
    [100, 24],
    [80, 24],
    [60, 20],
    [40, 10],
    [20, 5],
  ])('fills exactly %d columns and %d rows', (columns, rows) => {
    for (const keys of ['', '\r', '?', '/x']) {
      const state = new TopState()
      for (const key of keys)
        state.press(key === '\r' ? { name: 'return', sequence: key } : { sequence: key })
      const shown = lines({ columns, rows }, state, [...ROUTES, wireRoute(`GET /${'日本'.repeat(60)}`)])
      expect(shown).toHaveLength(rows)
      for (const line of shown.slice(1, -1))
        expect([line, widthOf(line) <= columns || /at {3}|more|mute/.test(line)]).toEqual([line, true])
    }
  })

  it('omits columns in narrow terminals, but never the route and its flags', () => {
    const titles = (columns: number) =>
      lines({ columns, rows: 12 })
        .find((line) => line.includes('ROUTE'))
        ?.trim()
        .split(/\s{2,}| (?=FLAG)/)
    expect(titles(130)).toEqual([
      'ROUTE',
      'REQ/S',
      'Q/REQ',
      'DB ms',
      '▾DB LOAD',
      'p50',
      'p99',
      'HIT',
      'ERR',
      'FLAG',
    ])
    expect(titles(80)).toEqual(['ROUTE', 'REQ/S', 'Q/REQ', 'DB ms', 'p99', 'FLAG'])
    expect(titles(60)).toEqual(['ROUTE', 'REQ/S', 'Q/REQ', 'p99', 'FLAG'])
    expect(titles(40)).toEqual(['ROUTE', 'Q/REQ', 'p99', 'FLAG'])
    expect(titles(30)).toEqual(['ROUTE', 'Q/REQ', 'FLAG'])
  })

  it('shows the findings of a route with call site, fix and mute command', () => {
    const state = new TopState()
    const routes = [wireRoute('GET /cities')]
    state.press({ name: 'return', sequence: '\r' })
    const shown = text({ rows: 30 }, state, routes)
    expect(shown).toContain('▲ N+1  102 queries → 2 possible   seen 40×')
    expect(shown).toContain('  101× SELECT … FROM region WHERE id = ?  312 ms')
    expect(shown).toContain('  at   src/routes/cities.ts:41:28 after city.findMany :38')
    expect(shown).toContain('  fix  include: { region: true }')
    expect(shown).toContain('  more http://app/_sluice/r/8f2c')
    expect(shown).toContain('  mute npx sluice ignore 3ac91e00')
    // The call site is not truncated in narrow terminals.
    expect(text({ columns: 24, rows: 40 }, state, routes)).toContain('src/routes/cities.ts:41:28')
  })

  it('shows a finding of several routes with the figures of the selected one', () => {
    const state = new TopState()
    state.press({ name: 'return', sequence: '\r' })
    const routes = [
      { scope: 'GET /cities', count: 101, queries: 102, queriesPossible: 2, occurrences: 40 },
      { scope: 'GET /else', count: 7, queries: 8, queriesPossible: 3, occurrences: 60 },
    ]
    const findings = readFindings({ findings: [{ ...wireFinding, routes }] })
    const lines = text({}, state, [wireRoute('GET /else')], { findings })
    expect(lines).toContain('8 queries → 3 possible   seen 60×')
    expect(lines).toContain('7× SELECT')
  })

  it('omits muted findings and those of other routes', () => {
    const state = new TopState()
    state.press({ name: 'return', sequence: '\r' })
    expect(text({}, state, [wireRoute('GET /else')])).toContain('No findings for this route.')
    const findings = readFindings({ findings: [{ ...wireFinding, isMuted: true }] })
    expect(text({}, state, [wireRoute('GET /cities')], { findings })).toContain('No findings for this route.')
  })

  it('keeps the selected row visible, and shows its position', () => {
    const many = Array.from({ length: 40 }, (_, at) => wireRoute(`GET /${String(at).padStart(2, '0')}`))
    const state = new TopState()
    text({}, state, many)
    state.press({ sequence: 'G', name: 'g' })
    const shown = text({}, state, many)
    expect(shown).toContain('▸ GET /39')
    expect(shown).toMatch(/\d+–40 of 40$/)
    state.press({ sequence: 'g', name: 'g' })
    expect(text({}, state, many)).toMatch(/▸ GET \/00.*1–\d+ of 40$/s)
  })

  it('keeps the selected route when the order changes', () => {
    const state = new TopState()
    text({}, state)
    state.press({ name: 'down', sequence: '\u001b[B' })
    expect(text({}, state)).toContain('▸ GET /cities')
    state.press({ sequence: 's', name: 's' })
    expect(text({}, state)).toMatch(/ROUTE +▾REQ\/S[^\n]*\n▸ GET \/cities/)
  })

  it('reports when there are no routes, no matches, and no connection', () => {
    expect(text({}, new TopState(), [])).toContain('Waiting for requests.')
    const state = new TopState()
    state.filter = 'zzz'
    expect(text({}, state)).toContain('No route matches "zzz".')
    expect(text({}, new TopState(), ROUTES, { problem: 'The app does not respond' })).toMatch(
      /^sluice top .* OFFLINE\nThe app does not respond\n/,
    )
  })

  it('escapes control characters', () => {
    expect(text({}, new TopState(), [wireRoute('GET /\u001b]0;owned\u0007\u202e')])).toContain('GET /\ufffd ')
  })
})

describe('TopState', () => {
  it('filters while typing, clears the filter with Esc, and runs no commands', () => {
    const state = new TopState()
    for (const key of '/Q s') state.press({ sequence: key, ...(key === 's' ? { name: 's' } : {}) })
    expect([state.filter, state.isTyping, state.sort]).toEqual(['Q s', true, 'cost'])
    state.press({ name: 'backspace', sequence: '\u007f' })
    state.press({ name: 'return', sequence: '\r' })
    expect([state.filter, state.isTyping]).toEqual(['Q ', false])
    state.press({ name: 'escape', sequence: '\u001b' })
    expect(state.filter).toBe('')
  })

  it('quits with q and Ctrl-C, and with Ctrl-C also while typing', () => {
    const state = new TopState()
    expect(state.press({ sequence: 'q', name: 'q' })).toBe('quit')
    state.press({ sequence: '/' })
    expect(state.press({ sequence: 'q', name: 'q' })).toBe('redraw')
    expect(state.press({ sequence: '\u0003', name: 'c', ctrl: true })).toBe('interrupt')
  })
})
