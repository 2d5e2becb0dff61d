import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../src/main.ts'
import { type FakeDashboard, fakeDashboard } from '../support/fake-dashboard.ts'
import { wireRoute, wireSnapshot } from '../support/live.ts'
import { sluice } from '../support/run-sluice.ts'

let fake: FakeDashboard
beforeEach(async () => {
  fake = await fakeDashboard(
    wireSnapshot([
      wireRoute('GET /cities'),
      wireRoute('GET /regions/:id', { databaseMs: 99, flags: ['N_PLUS_ONE'] }),
    ]),
  )
})
afterEach(() => fake.close())

const top = (...args: string[]) => sluice('top', '--url', fake.url, ...args)

describe('sluice top without a screen', () => {
  it('prints one table with --once, and the measured time', async () => {
    const { code, out, err } = await top('--once', '--seconds', '0.1')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^sluice top {2}atlas .*\nROUTE .*FLAG\nGET \/regions\/:id .*N\+1\nGET \/cities .*\nREQ\/S: last 10 s\. .*100 requests.*\n$/,
    )
  })

  it('shows the progress of --once, and removes it before the table', async () => {
    const written: string[] = []
    const code = await main(['top', '--url', fake.url, '--once', '--seconds', '0.8'], {
      out: (text) => void written.push(`out: ${text.split(' ', 2).join(' ')}`),
      err: (text) => void written.push(`err: ${text}`),
      isErrTerminal: true,
    })
    expect(code).toBe(0)
    expect(written).toEqual([
      expect.stringMatching(/Measuring http.* for 0\.8 s …$/),
      'err: \r\u001b[2K',
      'out: sluice top',
    ])
  })

  it('reports that there were no requests', async () => {
    await fake.close()
    fake = await fakeDashboard(wireSnapshot([]))
    const started = performance.now()
    expect((await top('--once', '--seconds', '0.1')).out).toMatch(/No requests in \d s\.\n$/)
    expect(performance.now() - started).toBeGreaterThan(400)
  })

  it('prints one object with --once --json', async () => {
    const { out } = await top('--once', '--seconds', '0.1', '--json')
    const json = JSON.parse(out)
    expect(out.trim()).not.toContain('\n')
    expect(json).toMatchObject({
      schemaVersion: 1,
      app: { name: 'atlas', processes: 4 },
      vitals: { p99: 38 },
    })
    expect(json.routes.map((route: { name: string; flags: string[] }) => [route.name, route.flags])).toEqual([
      ['GET /regions/:id', ['N+1']],
      ['GET /cities', []],
    ])
  })

  it('prints repeatedly with a timestamp on each line, and reports disconnects on stderr', async () => {
    let out = ''
    let err = ''
    const code = main(['top', '--url', fake.url, '--interval', '0.2', '--filter', 'region'], {
      out: (text) => {
        out += text
        if (out.split('sluice top').length > 3)
          fake.answer ??= (_request, response) => response.writeHead(401).end() !== undefined
        if (fake.answer !== undefined) fake.cut()
      },
      err: (text) => {
        err += text
      },
    })
    expect(await code).toBe(3)
    const lines = out.trimEnd().split('\n')
    expect(lines.every((line) => /^\d\d:\d\d:\d\d {2}(sluice top| {2}GET \/regions)/.test(line))).toBe(true)
    expect(out).not.toContain('GET /cities')
    expect(err).toMatch(/^The app does not respond \(.*\): retrying in 1 s\n/)
  })

  it.each([
    [['--once']],
    [['--url', 'nonsense']],
    [['--url', 'http://localhost:1/', '--sort', 'name']],
    [['--url', 'http://localhost:1/', '--seconds', '0']],
    [['--url', 'http://localhost:1/', 'more']],
  ])('refuses %j', async (args) => {
    expect(await sluice('top', ...args)).toMatchObject({ code: 2, out: '' })
  })
})
