import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { main } from '../../src/main.ts'
import { type FakeDashboard, fakeDashboard } from '../support/fake-dashboard.ts'
import { FakeTerminal } from '../support/fake-terminal.ts'
import { wireRoute } from '../support/live.ts'

let fake: FakeDashboard
let terminal: FakeTerminal
let err: string

beforeEach(async () => {
  fake = await fakeDashboard()
  terminal = new FakeTerminal()
  err = ''
})
afterEach(() => fake.close())

const start = (...args: string[]) =>
  main(['top', '--url', fake.url, ...args], {
    out: () => {},
    err: (text) => {
      err += text
    },
    isTerminal: true,
    screen: () => terminal,
  })
const shows = (text: string | RegExp) =>
  vi.waitFor(() => expect(terminal.text).toMatch(text), { ...SOON, interval: 10 })

describe('sluice top on a terminal', () => {
  it('enters full-screen mode with the first snapshot, and restores the terminal', async () => {
    const code = start()
    await shows('GET /cities')
    terminal.press('q')
    expect(await code).toBe(0)
    expect([terminal.entered, terminal.left, terminal.listeners, err]).toEqual([1, 1, 0, ''])
  })

  it('exits with code 130 after Ctrl-C', async () => {
    const code = start()
    await shows('GET /cities')
    terminal.press({ name: 'c', ctrl: true, sequence: '\u0003' })
    expect([await code, terminal.isEntered]).toEqual([130, false])
  })

  it('does not enter full-screen mode when it cannot connect', async () => {
    await fake.close()
    expect([await start(), terminal.entered]).toEqual([3, 0])
    expect(err).toMatch(/^sluice top: Cannot connect to http/)
  })

  it('restores the terminal before it reports that access is denied', async () => {
    const code = start()
    await shows('GET /cities')
    fake.answer = (_request, response) => {
      response.statusCode = 401
      response.end('{}')
      return true
    }
    fake.cut()
    expect([await code, terminal.isEntered]).toEqual([3, false])
    expect(err).toContain('401')
  })

  it('reports that the app does not respond, and continues when it does', async () => {
    const code = start()
    await shows('GET /cities')
    fake.cut()
    await shows(/OFFLINE\nThe app does not respond \(.*\): retrying/)
    await shows(/^(?!.*OFFLINE)/s)
    terminal.press('q')
    expect(await code).toBe(0)
  })

  it('shows no changes while paused', async () => {
    const code = start()
    await shows('GET /cities')
    terminal.press(' ')
    await shows('PAUSED')
    fake.send('delta', { at: 1_000_300, routes: [wireRoute('GET /later')] })
    terminal.press('?', 'x')
    await new Promise((resolve) => setImmediate(resolve))
    expect(terminal.text).not.toContain('GET /later')
    terminal.press('p')
    await shows('GET /later')
    terminal.press('q')
    await code
  })

  it('loads findings when a route is opened', async () => {
    const code = start()
    await shows('GET /cities')
    expect(fake.requests.some(({ url }) => url.endsWith('findings'))).toBe(false)
    terminal.press({ name: 'return', sequence: '\r' })
    await shows('fix  include: { region: true }')
    terminal.press('q')
    await code
  })

  it('uses no colors with NO_COLOR, and still marks the selected route', async () => {
    const colors = async (noColor: string) => {
      vi.stubEnv('NO_COLOR', noColor)
      terminal = new FakeTerminal()
      const code = start()
      await shows(/▸ GET \/cities/)
      terminal.press('q')
      await code
      vi.unstubAllEnvs()
      return terminal.raw.split('\u001b[').map((part) => /^(\d+)m/.exec(part)?.[1])
    }
    expect(new Set(await colors('1'))).toEqual(new Set([undefined, '0']))
    // Only codes of the 16 basic colors.
    for (const code of await colors(''))
      expect([undefined, '0', '1', '2', '7', '31', '32', '33', '36']).toContain(code)
  })

  it('redraws after a resize', async () => {
    const code = start()
    await shows('DB LOAD')
    terminal.resize(50, 12)
    expect(terminal.text).not.toContain('DB LOAD')
    expect(terminal.text.split('\n')).toHaveLength(12)
    terminal.press('q')
    await code
  })

  it('writes nothing while it is suspended', async () => {
    const code = start()
    await shows('GET /cities')
    terminal.press({ name: 'z', ctrl: true, sequence: '\u001a' })
    // A write would throw.
    terminal.resize(90, 20)
    fake.send('delta', { at: 1_000_300, routes: [wireRoute('GET /later')] })
    // These requests complete after the delta, so it has arrived.
    for (let at = 0; at < 5; at += 1) await (await fetch(`${fake.url}/api/findings`)).text()
    expect(terminal.text).not.toContain('GET /later')
    terminal.resume?.()
    await shows('GET /later')
    terminal.press('q')
    expect(await code).toBe(0)
  })
})
