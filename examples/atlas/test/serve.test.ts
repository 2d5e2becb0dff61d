import { describe, expect, it } from 'vitest'
import { SOON, TEST_MS } from '../../../test/support/patience.ts'
import { startDemo } from './start-demo.ts'

describe('the demo, serving', () => {
  it('serves the app, the dashboard with the requests of visitors, GraphiQL, probes and metrics, and exits on SIGTERM', {
    timeout: TEST_MS,
  }, async () => {
    const { demo, origin } = await startDemo()
    const text = async (path: string, headers = {}) => {
      const response = await fetch(`${origin}${path}`, { headers })
      return { status: response.status, body: await response.text() }
    }
    expect(await text('/cities/1')).toMatchObject({ status: 200, body: expect.stringContaining('"id":1') })
    expect(await text('/_sluice/')).toMatchObject({ status: 200, body: expect.stringContaining('<script') })
    expect(await text('/graphql', { accept: 'text/html' })).toMatchObject({
      status: 200,
      body: expect.stringContaining('Atlas'),
    })
    expect(await text('/readyz')).toMatchObject({ status: 200 })
    expect((await text('/metrics')).body).toContain('http_server_request_duration_seconds_count')
    const routes = async () => {
      const { body } = await text('/_sluice/api/requests')
      return (JSON.parse(body) as { readonly routes: readonly { readonly name: string }[] }).routes.map(
        ({ name }) => name,
      )
    }
    await expect.poll(routes, SOON).toContain('GET /regions/:code/cities')
    const ended = new Promise((resolve) => demo.once('exit', (code) => resolve(code)))
    demo.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('serves a cached response until a review is written, and responds while it stops', {
    timeout: TEST_MS,
  }, async () => {
    const { demo, origin } = await startDemo('--no-visitors')
    const look = async () => {
      const response = await fetch(`${origin}/cities/1`)
      return { status: response.headers.get('cache-status') ?? '', body: await response.text() }
    }
    // Half of the requests are observed only.
    const lookUntilKept = async () => {
      for (let tries = 0; tries < 200; tries += 1) {
        const { status, body } = await look()
        if (status.includes('hit')) return body
      }
      throw new Error('Nothing was cached.')
    }
    expect(await lookUntilKept()).not.toContain('Lovely at dusk')
    const body = JSON.stringify({ userId: 1, rating: 5, body: 'Lovely at dusk' })
    const posted = await fetch(`${origin}/cities/1/reviews`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(posted.status).toBe(201)
    expect((await look()).body).toContain('Lovely at dusk')
    expect(await lookUntilKept()).toContain('Lovely at dusk')

    const ended = new Promise((resolve) => demo.once('exit', (code) => resolve(code)))
    demo.kill('SIGTERM')
    await expect
      .poll(async () => (await fetch(`${origin}/readyz`)).status, { ...SOON, interval: 20 })
      .toBe(503)
    expect((await fetch(`${origin}/search?q=Lyo`)).status).toBe(200)
    expect(await ended).toBe(0)
  })

  it('sends no requests with --no-visitors', { timeout: TEST_MS }, async () => {
    const { origin } = await startDemo('--no-visitors')
    const response = await fetch(`${origin}/_sluice/api/requests`)
    expect(((await response.json()) as { readonly routes: readonly unknown[] }).routes).toEqual([])
  })
})
