import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DashboardClient } from '../../src/dashboard/dashboard-client.ts'
import { dashboardOf } from '../../src/dashboard/dashboard-options.ts'
import { type FollowEvent, followDashboard } from '../../src/dashboard/follow-dashboard.ts'
import { type FakeDashboard, fakeDashboard } from '../support/fake-dashboard.ts'
import { wireRoute, wireSnapshot } from '../support/live.ts'

let fake: FakeDashboard
beforeEach(async () => {
  fake = await fakeDashboard()
})
afterEach(() => fake.close())

/** Returns the first events. Records the waits, which end immediately. */
async function follow(
  count: number,
  act: (event: FollowEvent, at: number) => void = () => {},
  client = new DashboardClient(fake.url),
) {
  const abort = new AbortController()
  const waits: number[] = []
  const events: FollowEvent[] = []
  const pause = (ms: number) => {
    waits.push(ms)
    return Promise.resolve()
  }
  for await (const event of followDashboard(client, { signal: abort.signal, pause })) {
    events.push(event)
    act(event, events.length)
    if (events.length >= count) abort.abort()
  }
  return { events, waits, kinds: events.map(({ kind }) => kind) }
}

describe('followDashboard', () => {
  it('yields the snapshot, then the changes', async () => {
    const { events } = await follow(2, (event) => {
      if (event.kind === 'snapshot')
        fake.send('delta', { at: 5, routes: [wireRoute('GET /new', { p99: 7 })] })
    })
    expect(events[0]).toMatchObject({
      kind: 'snapshot',
      snapshot: { processes: 4, app: { name: 'atlas' }, routes: [{ name: 'GET /cities' }] },
    })
    expect(events[1]).toMatchObject({
      kind: 'delta',
      delta: { at: 5, routes: [{ name: 'GET /new', p99: 7 }] },
    })
  })

  it('reopens a broken stream with increasing waits, and resumes after the last event', async () => {
    const { kinds, waits } = await follow(6, (event, at) => {
      if (at === 1) {
        fake.answer = (_request, response) => {
          response.destroy()
          return true
        }
        fake.cut()
      }
      if (event.kind === 'lost' && event.attempt === 3) fake.answer = undefined
    })
    expect(kinds).toEqual(['snapshot', 'lost', 'lost', 'lost', 'back', 'snapshot'])
    expect(waits).toEqual([1_000, 2_000, 4_000])
    expect(fake.requests.at(-1)?.headers['last-event-id']).toBe('abc.1')
  })

  it('treats a stream without data as broken, and a comment as a keep-alive', async () => {
    const { events } = await follow(2, undefined, new DashboardClient(fake.url, undefined, 100))
    expect(events[1]).toEqual({ kind: 'lost', why: 'no data for 0.1 s', waitMs: 1_000, attempt: 1 })
    fake.answer = (_request, response) => {
      response.setHeader('Content-Type', 'text/event-stream')
      response.write(`event: snapshot\ndata: ${JSON.stringify(wireSnapshot([]))}\n\n`)
      let beats = 0
      const beat = setInterval(() => {
        beats += 1
        response.write(beats < 8 ? ':\n\n' : 'event: delta\ndata: {"at":9}\n\n')
      }, 50)
      response.once('close', () => clearInterval(beat))
      return true
    }
    expect((await follow(2, undefined, new DashboardClient(fake.url, undefined, 250))).kinds).toEqual([
      'snapshot',
      'delta',
    ])
  })

  it('fails when the first connection fails', async () => {
    const { url } = fake
    await fake.close()
    await expect(follow(1, undefined, new DashboardClient(url))).rejects.toThrow(
      /^Cannot connect to http:\/\/127.0.0.1:\d+\/_sluice: connect ECONNREFUSED/,
    )
  })

  it('does not retry when the dashboard has a later protocol version, and reports it', async () => {
    fake.answer = (_request, response) => {
      response.setHeader('Content-Type', 'text/event-stream')
      response.write(`event: snapshot\ndata: ${JSON.stringify(wireSnapshot([], { schemaVersion: 4 }))}\n\n`)
      return true
    }
    await expect(follow(1)).rejects.toThrow(
      /uses protocol version 4, but this command line supports version 3: pnpm add --save-dev sluice@latest/,
    )
  })

  it('ignores fields that a later dashboard adds', async () => {
    const { events } = await follow(3, (event) => {
      if (event.kind !== 'snapshot') return
      fake.send('something-new', { at: 1 })
      fake.send('delta', { at: 6, novelty: [1], routes: [{ ...wireRoute('GET /new'), novelty: {} }] })
      fake.send('delta', { at: 7 })
    })
    expect(events.slice(1)).toMatchObject([{ delta: { at: 6 } }, { delta: { at: 7, routes: [] } }])
  })

  it('rejects a server that is not a dashboard', async () => {
    fake.answer = (_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end('<p>hello')
      return true
    }
    await expect(follow(1)).rejects.toThrow('expected an event stream, got text/html')
  })
})

describe('DashboardClient', () => {
  it('exchanges the key for a cookie, once', async () => {
    fake.answer = (request, response) => {
      if (!request.url?.startsWith('/_sluice/?key=k1')) return false
      response.statusCode = 303
      response.setHeader('Set-Cookie', 'sluice-dashboard=secret; Path=/_sluice; HttpOnly')
      response.setHeader('Location', './')
      response.end()
      return true
    }
    const client = new DashboardClient(`${fake.url}/?key=k1`)
    expect(client.address).toBe(fake.url)
    await client.json('api/findings')
    await client.json('api/findings')
    expect(fake.requests.map(({ url, headers }) => [url, headers.cookie])).toEqual([
      ['/_sluice/?key=k1', undefined],
      ['/_sluice/api/findings', 'sluice-dashboard=secret'],
      ['/_sluice/api/findings', 'sluice-dashboard=secret'],
    ])
  })

  it('does not follow redirects, which could leak credentials', async () => {
    fake.answer = (_request, response) => {
      response.statusCode = 302
      response.setHeader('Location', 'http://elsewhere.example/login?next=1')
      response.end()
      return true
    }
    await expect(new DashboardClient(fake.url).json('api/now')).rejects.toThrow(
      'redirected to http://elsewhere.example/login',
    )
  })

  it('includes the message of the dashboard when access is denied', async () => {
    fake.answer = (_request, response) => {
      response.statusCode = 401
      response.end(JSON.stringify({ error: { code: 'NOT_TRUSTED', message: 'Open the URL.\u001b[31m' } }))
      return true
    }
    const error = await new DashboardClient(fake.url).json('api/now').catch((one: Error) => one)
    expect((error as Error).message).toMatch(/401: Open the URL\. Use the URL that the app printed/)
  })

  it.each([
    ['authorization', 'Bearer s3cret-token'],
    ['authorization', `Basic ${Buffer.from('ann:s3cret-token').toString('base64')}`],
    ['cookie', 'theme=dark; sid=s3cret-token'],
    ['x-any', 's3cret-token'],
  ])('hides credentials of %s that the dashboard repeats', async (name, value) => {
    fake.answer = (_request, response) => {
      response.statusCode = 401
      response.end(JSON.stringify({ error: { message: `s3cret-token of ${value} is unknown.` } }))
      return true
    }
    const client = new DashboardClient(fake.url, new Headers({ [name]: value }))
    const error = await client.json('api/now').catch((one: Error) => one)
    expect((error as Error).message).toContain('401')
    expect(inspect(error)).not.toContain('s3cret')
    expect(inspect(error)).not.toContain(value)
  })

  it.each([['localhost:3000'], ['ftp://localhost/'], ['']])('rejects %j as a URL', (url) => {
    expect(() => new DashboardClient(url)).toThrow(/^--url: expected/)
  })
})

describe('dashboardOf', () => {
  const headersSent = async (
    given: Parameters<typeof dashboardOf>[0],
    environment: NodeJS.ProcessEnv = {},
  ) => {
    await dashboardOf({ url: fake.url, ...given }, environment).json('api/findings')
    return fake.requests.at(-1)?.headers
  }

  it('sends a token from the option or the environment, and headers', async () => {
    expect(await headersSent({ token: 't1' }, { SLUICE_TOKEN: 't2' })).toMatchObject({
      authorization: 'Bearer t1',
    })
    expect(await headersSent({}, { SLUICE_TOKEN: 't2' })).toMatchObject({ authorization: 'Bearer t2' })
    expect(
      await headersSent({ header: ['X-Team: blue', 'Authorization: Basic eDp5'] }, { SLUICE_TOKEN: 't2' }),
    ).toMatchObject({
      'x-team': 'blue',
      authorization: 'Basic eDp5',
    })
  })

  it('uses the URL of the environment', async () => {
    await dashboardOf({}, { SLUICE_URL: fake.url }).json('api/findings')
    expect(fake.requests).toHaveLength(1)
    expect(() => dashboardOf({}, {})).toThrow('expected --url')
  })

  it('rejects an invalid header without printing its value', () => {
    expect(() => dashboardOf({ url: fake.url, header: ['nothing'] }, {})).toThrow(
      "--header: expected 'Name: value'",
    )
    expect(() => dashboardOf({ url: fake.url, token: 'se\ncret' }, {})).toThrow(
      expect.not.stringContaining('cret'),
    )
  })
})
