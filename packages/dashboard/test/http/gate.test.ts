import { createSluice } from '@sluice/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Sessions } from '../../src/http/sessions.ts'
import { AuthorizeRequiredError, createDashboard } from '../../src/index.ts'
import { ACTING, ask, openWorld, serve } from '../world.ts'

const FORWARDED = { 'x-forwarded-for': '203.0.113.9' }

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

afterEach(() => vi.unstubAllEnvs())

describe('dashboard without authorize', () => {
  it.each(['development', 'test'])('is created if NODE_ENV is %s', (environment) => {
    vi.stubEnv('NODE_ENV', environment)
    createDashboard(createSluice(), { announce: false }).close()
  })

  it.each(['production', 'staging', 'Development', '', undefined])(
    'is not created if NODE_ENV is %s',
    (environment) => {
      vi.stubEnv('NODE_ENV', environment)
      expect(() => createDashboard(createSluice())).toThrow(AuthorizeRequiredError)
      expect(() => createDashboard(createSluice())).toThrow(
        expect.objectContaining({ code: 'SLUICE_AUTHORIZE_REQUIRED' }),
      )
      createDashboard(createSluice(), { authorize: () => false }).close()
    },
  )

  it('allows requests from this machine', async () => {
    const { ask } = await openWorld()
    expect((await ask('/api/now')).status).toBe(200)
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:80'])
      expect((await ask('/api/now', { headers: { host } })).status).toBe(200)
  })

  it('denies access with a page for browsers and with JSON for programs', async () => {
    const { ask } = await openWorld()
    const headers = { accept: 'text/html,*/*', host: 'attacker.example' }
    const { status, headers: answered } = await ask('/', { headers })
    expect(status).toBe(401)
    expect(answered['content-type']).toBe('text/html; charset=utf-8')
    expect((await ask('/', { headers: { host: 'attacker.example' } })).headers['content-type']).toContain(
      'application/json',
    )
  })

  it('denies forwarded requests and requests with a different host name', async () => {
    const { ask } = await openWorld()
    for (const name of [
      'forwarded',
      'via',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-real-ip',
      'cf-connecting-ip',
    ])
      expect((await ask('/api/now', { headers: { [name]: '1' } })).status, name).toBe(401)
    for (const host of [
      'attacker.example',
      'localhost.attacker.example',
      '127.0.0.1.nip.io',
      '0.0.0.0',
      '192.168.0.2:3000',
      'localhost:3000:80',
    ])
      expect((await ask('/api/now', { headers: { host } })).status, host).toBe(401)
    const refused = await ask('/', { headers: FORWARDED })
    expect(refused.status).toBe(401)
    expect(refused.body).toMatchObject({ error: { code: 'NOT_TRUSTED' } })
  })

  it('allows one browser per URL, with a cookie that scripts and other sites cannot use', async () => {
    const { ask, dashboard } = await openWorld()
    const key = new URL(dashboard.url, 'http://x').searchParams.get('key') as string
    const first = await ask(`/?key=${key}`, { headers: FORWARDED })
    expect([first.status, first.headers.location]).toEqual([303, './'])
    const [cookie = ''] = first.headers['set-cookie'] ?? []
    expect(cookie).toMatch(
      /^sluice-dashboard=[\w-]{32}; Path=\/_sluice; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    const session = { cookie: `other=1; ${cookie.split(';')[0]}`, ...FORWARDED }
    expect((await ask('/api/now', { headers: session })).status).toBe(200)
    expect((await ask(`/?key=${key}`, { headers: FORWARDED })).status).toBe(401)
    expect((await ask(`/?key=${key}x`, { headers: FORWARDED })).status).toBe(401)
    expect(dashboard.url).not.toContain(key)
    expect(
      (await ask('/api/now', { headers: { ...FORWARDED, cookie: 'sluice-dashboard=guess' } })).status,
    ).toBe(401)
  })

  it('sets the Secure attribute of the cookie for TLS', async () => {
    const { ask, dashboard } = await openWorld()
    const key = new URL(dashboard.url, 'http://x').searchParams.get('key') as string
    const { headers } = await ask(`/?key=${key}`, { headers: { 'x-forwarded-proto': 'https, http' } })
    expect(headers['set-cookie']?.[0]).toMatch(/; Secure$/)
  })

  it('expires sessions after 12 hours', async () => {
    let now = 0
    const sessions = new Sessions(() => now)
    const cookie = (await sessions.exchange(sessions.key, '/', false))?.split(';')[0]
    const request = { headers: { cookie } } as never
    expect(await sessions.has(request)).toBe(true)
    now = 43_200_000
    expect(await sessions.has(request)).toBe(false)
  })

  it('announces its URL at startup and after each use', async () => {
    const told: string[] = []
    const { ask } = await openWorld({
      announce: (text) => void told.push(text),
      origin: 'http://localhost:3000/',
    })
    expect(told).toEqual([
      expect.stringMatching(/^Dashboard: http:\/\/localhost:3000\/_sluice\/\?key=[\w-]{32}$/),
    ])
    await ask(`/?key=${told[0]?.split('key=')[1]}`, { headers: FORWARDED })
    expect(told).toHaveLength(2)
  })
})

describe('authorize', () => {
  it('is the only check, also for this machine', async () => {
    const asked: string[] = []
    const { ask, act } = await openWorld({
      authorize: (request, what) => {
        asked.push(`${what} ${request.headers.authorization ?? ''}`)
        return request.headers.authorization === 'yes' && what === 'read'
      },
    })
    expect((await ask('/api/now')).body).toMatchObject({ error: { code: 'FORBIDDEN' } })
    expect((await ask('/api/now', { headers: { authorization: 'yes' } })).status).toBe(200)
    expect(asked).toEqual(['read ', 'read yes'])
    const refused = await act('clear-cache', {}, { authorization: 'yes' })
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: { code: 'FORBIDDEN', message: expect.any(String) } },
    ])
    expect(asked.at(-1)).toBe('act yes')
  })

  it('denies access with any result other than true and with an error', async () => {
    for (const answer of [
      () => 'yes',
      () => 1,
      () => Promise.resolve(undefined),
      () => Promise.reject(new Error('no database')),
    ]) {
      const errors: unknown[] = []
      const { ask, sluice } = await openWorld({ authorize: answer as never })
      sluice.on('error', (error) => void errors.push(error))
      expect((await ask('/api/now')).status).toBe(403)
      expect(errors.length).toBe(String(answer).includes('reject') ? 1 : 0)
    }
  })

  it('disables the one-time URL', async () => {
    const told: string[] = []
    const { dashboard } = await openWorld({ authorize: () => true, announce: (text) => void told.push(text) })
    expect([dashboard.url, told]).toEqual(['/_sluice/', []])
  })

  it('can be asynchronous', async () => {
    const { ask } = await openWorld({
      authorize: async () => await new Promise<boolean>((resolve) => setImmediate(resolve, true)),
    })
    expect((await ask('/api/now')).status).toBe(200)
  })
})

describe('read access', () => {
  it('is denied to pages of other sites if the browser reports them', async () => {
    const { ask } = await openWorld()
    for (const site of ['cross-site', 'same-site'])
      expect((await ask('/api/now', { headers: { 'sec-fetch-site': site } })).body).toMatchObject({
        error: { code: 'CROSS_SITE' },
      })
    for (const site of ['same-origin', 'none'])
      expect((await ask('/api/now', { headers: { 'sec-fetch-site': site } })).status).toBe(200)
  })

  it('sets headers against storing, framing, sniffing and referrers', async () => {
    const { ask } = await openWorld()
    for (const path of ['/api/now', '/api/nothing', '/']) {
      expect((await ask(path)).headers).toMatchObject({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
    expect((await ask('/api/now')).headers['cache-control']).toBe('no-store')
    expect((await ask('/api/now')).headers['access-control-allow-origin']).toBeUndefined()
  })

  it('sets no headers on responses of the app', async () => {
    const dashboard = createDashboard(createSluice(), { announce: false })
    const port = await serve((request, response) =>
      dashboard.handler(request, response, () => response.end('app')),
    )
    for (const path of ['/', '/_sluiceX', '/_sluic', '/a/_sluice/api/now']) {
      const { headers, text } = await ask(port, path)
      expect([text, headers['content-security-policy']]).toEqual(['app', undefined])
    }
    dashboard.close()
  })

  it('is the only effect of GET', async () => {
    const { ask } = await openWorld()
    for (const [path, method, allow] of [
      ['/api/now', 'POST', 'GET, HEAD'],
      ['/api/now', 'DELETE', 'GET, HEAD'],
      ['/', 'POST', 'GET, HEAD'],
      ['/api/actions/clear-cache', 'GET', 'POST'],
    ] as const) {
      // biome-ignore format: a table
      const { status, headers } = await ask(path, { method })
      expect([status, headers.allow], `${method} ${path}`).toEqual([405, allow])
    }
  })

  it('serves no files outside the page', async () => {
    const { ask } = await openWorld()
    for (const path of [
      '/../package.json',
      '/..%2fpackage.json',
      '/%2e%2e/package.json',
      '/assets/../../index.js',
      '/constructor',
      '/__proto__',
      '/api/__proto__',
      '/api/constructor',
    ])
      expect((await ask(path)).status, path).toBe(404)
  })
})

describe('action request', () => {
  it('is accepted if it meets all conditions', async () => {
    const { act } = await openWorld()
    expect((await act('clear-cache', {})).body).toEqual({ done: true })
  })

  it('is rejected if the browser reports a different site, or not this one', async () => {
    const { act } = await openWorld()
    for (const site of ['cross-site', 'same-site', 'none', '']) {
      const { status, body } = await act('clear-cache', {}, { 'sec-fetch-site': site })
      expect([status, body], site).toEqual([
        403,
        { error: { code: 'CROSS_SITE', message: expect.any(String) } },
      ])
    }
  })

  it('is checked by its origin if the browser sends no Sec-Fetch-Site', async () => {
    const { ask, port } = await openWorld()
    const { 'sec-fetch-site': _site, ...rest } = ACTING
    const sent = (headers: Readonly<Record<string, string>>) =>
      ask('/api/actions/clear-cache', { method: 'POST', headers: { ...rest, ...headers }, body: '{}' }).then(
        ({ status }) => status,
      )
    expect(await sent({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200)
    expect(await sent({ host: 'localhost', origin: 'http://localhost:80' })).toBe(200)
    expect(await sent({})).toBe(403)
    for (const origin of [
      'http://localhost:1',
      'null',
      `http://localhost:${port}.attacker.example`,
      'http://attacker.example',
      'file://',
      '',
    ])
      expect(await sent({ host: `localhost:${port}`, origin }), origin).toBe(403)
  })

  it('is rejected without its header and with other content types than JSON', async () => {
    const { ask } = await openWorld()
    const sent = (headers: Readonly<Record<string, string>>) =>
      ask('/api/actions/clear-cache', { method: 'POST', headers, body: '{}' }).then(({ status, body }) => [
        status,
        (body as { error: { code: string } }).error?.code,
      ])
    const { 'x-sluice-action': _header, ...without } = ACTING
    expect(await sent(without)).toEqual([403, 'CROSS_SITE'])
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/json',
      'application/jsonx',
    ])
      expect(await sent({ ...ACTING, 'content-type': type }), type).toEqual([415, 'MEDIA_TYPE'])
    expect((await sent({ ...ACTING, 'content-type': 'Application/JSON; charset=utf-8' }))[0]).toBe(200)
  })

  it('is rejected if its body is too large, with or without Content-Length, or is not a JSON object', async () => {
    const { ask, act } = await openWorld({ maxBodyBytes: 200 })
    const large = await act('clear-cache', { namespace: 'x'.repeat(300) })
    expect([large.status, large.body]).toEqual([
      413,
      { error: { code: 'TOO_LARGE', message: expect.any(String) } },
    ])
    const chunked = await ask('/api/actions/clear-cache', {
      method: 'POST',
      headers: { ...ACTING, 'transfer-encoding': 'chunked' },
      body: JSON.stringify({ namespace: 'x'.repeat(300) }),
    })
    expect(chunked.status).toBe(413)
    for (const body of ['', '{', '[]', '"text"', 'null', '1']) {
      const { status } = await ask('/api/actions/clear-cache', { method: 'POST', headers: ACTING, body })
      expect(status, body).toBe(400)
    }
  })

  it('is rejected before its body is read if the client has no access', async () => {
    const { act } = await openWorld()
    expect((await act('clear-cache', { not: 'known' }, FORWARDED)).status).toBe(401)
    expect((await act('clear-cache', { not: 'known' }, { host: 'attacker.example' })).status).toBe(401)
  })

  it('is rejected for everyone if actions are disabled', async () => {
    const { act, ask } = await openWorld({ actions: false, authorize: () => true })
    expect((await act('clear-cache', {})).body).toMatchObject({ error: { code: 'READ_ONLY' } })
    expect((await ask('/api/now')).status).toBe(200)
  })

  it('is rejected for unknown names', async () => {
    const { act } = await openWorld()
    for (const name of ['nothing', 'constructor', '__proto__', 'toString', 'clear-cache/x'])
      expect((await act(name, {})).status, name).toBe(404)
  })
})

describe('options', () => {
  it('reject unknown names and invalid values', () => {
    const sluice = createSluice()
    const wrong: readonly object[] = [
      { path: 'x' },
      { path: '/a?b' },
      { maxBytes: 1 },
      { maxStreams: 0 },
      { maxBodyBytes: 1 },
      { actions: 'no' },
      { authorize: true },
      { announce: true },
      { origin: 'localhost:3000' },
      { origin: 'javascript:1' },
      { name: '' },
      { colour: 'blue' },
    ]
    for (const options of wrong)
      expect(() => createDashboard(sluice, options), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }),
      )
    expect(() => createDashboard({} as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
    )
  })
})

describe('handler', () => {
  it('serves nothing after close', async () => {
    const dashboard = createDashboard(createSluice(), { announce: false })
    const port = await serve((request, response) => dashboard.handler(request, response))
    dashboard.close()
    dashboard.close()
    expect((await ask(port, '/_sluice/api/now')).status).toBe(404)
  })

  it('redirects to its folder with a relative URL', async () => {
    const { ask } = await openWorld()
    expect([(await ask('')).status, (await ask('')).headers.location]).toEqual([308, './_sluice/'])
    expect((await ask('/r/8f2c')).headers.location).toBe('../#/requests/8f2c')
  })

  it('passes requests outside its path to the next handler', async () => {
    const dashboard = createDashboard(createSluice(), { announce: false, path: '/ops/db/' })
    const port = await serve((request, response) => dashboard.handler(request, response))
    expect((await ask(port, '/ops/db/api/now')).status).toBe(200)
    expect((await ask(port, '/_sluice/api/now')).status).toBe(404)
    dashboard.close()
  })
})
