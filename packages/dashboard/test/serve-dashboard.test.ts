import { createSluice, InvalidOptionError } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthorizeRequiredError, type ServedDashboard, serveDashboard } from '../src/index.ts'

const sluice = createSluice()
let served: ServedDashboard[] = []

async function serve(options: Parameters<typeof serveDashboard>[1] = {}): Promise<ServedDashboard> {
  const dashboard = await serveDashboard(sluice, { announce: false, ...options })
  served.push(dashboard)
  return dashboard
}

describe('serveDashboard', () => {
  beforeEach(() => {
    vi.stubEnv('NODE_ENV', undefined)
    served = []
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const dashboard of served) await dashboard.close()
  })

  it('serves the page and its files at the root of a separate port, for this machine only', async () => {
    const { url } = await serve()
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const page = await fetch(url)
    expect(page.status).toBe(200)
    const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? []
    expect((await fetch(new URL(script, page.url))).status).toBe(200)
    const elsewhere = await fetch(new URL('/', url), { headers: { forwarded: 'for=198.51.100.7' } })
    expect(await elsewhere.text()).toContain('Open the URL that the app printed')
  })

  it('announces its URL', async () => {
    const announce = vi.fn()
    const { url } = await serve({ announce })
    expect(announce).toHaveBeenCalledWith(`Dashboard: ${url}`)
  })

  it('serves the path that it is given', async () => {
    const { url } = await serve({ path: '/sluice' })
    expect(new URL(url).pathname).toBe('/sluice/')
    expect((await fetch(new URL('/', url))).status).toBe(404)
  })

  it('uses the port that it is given, and rejects if it is in use', async () => {
    const { url } = await serve()
    const port = Number(new URL(url).port)
    await expect(serveDashboard(sluice, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await served.pop()?.close()
    expect(new URL((await serve({ port })).url).port).toBe(String(port))
  })

  it('closes its port and its connections', async () => {
    const { url, close } = await serve()
    await fetch(url)
    await close()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('requires authorize in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    await expect(serveDashboard(sluice)).rejects.toThrow(AuthorizeRequiredError)
    const { url } = await serve({ authorize: () => false })
    expect((await fetch(new URL('/', url))).status).toBe(403)
  })

  it.each([{ port: -1 }, { port: 65_536 }, { prot: 1 } as object])(
    'rejects the options %j',
    async (options) => {
      await expect(serveDashboard(sluice, options)).rejects.toThrow(InvalidOptionError)
    },
  )
})
