import { afterEach, expect, it } from 'vitest'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('access to the dashboard', () => {
  const open = useBrowser()
  let app: TestApp | undefined
  afterEach(async () => {
    await app?.close()
    app = undefined
  })

  it('is not available without access', async () => {
    app = await startApp({ dashboard: { authorize: () => false } })
    const { page } = await open()
    const answer = await page.goto(app.page)
    expect(answer?.status()).toBe(403)
    expect(await page.content()).not.toContain('assets/')
    await page.getByRole('heading', { name: 'Page not available' }).waitFor()
    await page.getByText('`authorize` denied "read".').waitFor()
    expect((await page.goto(`${app.page}api/stream`))?.status()).toBe(403)
  })

  it('is not created in production without authorize', async () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      await expect(startApp()).rejects.toMatchObject({ code: 'SLUICE_AUTHORIZE_REQUIRED' })
    } finally {
      process.env.NODE_ENV = before
    }
  })

  it('has no buttons for actions with read-only access', async () => {
    app = await startApp({ dashboard: { authorize: (_, what) => what === 'read' } })
    await app.ask('/cities')
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Read only:').waitFor()
    await page.getByRole('link', { name: 'Open N+1' }).waitFor()
    expect(await page.getByRole('button', { name: /^Mute/ }).count()).toBe(0)
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('heading', { name: 'Memory' }).waitFor()
    expect(await page.getByRole('button', { name: /Warm|Clear/ }).count()).toBe(0)
  })

  it('shows that access ended and does not retry', async () => {
    let isAllowed = true
    let asked = 0
    app = await startApp({
      dashboard: {
        authorize: (request) => {
          if (request.url?.includes('stream') === true) asked += 1
          return isAllowed
        },
      },
    })
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    isAllowed = false
    app.cut()
    await page.locator('main').getByText('Access denied').waitFor()
    const before = asked
    await page.waitForTimeout(1_500)
    expect(asked).toBe(before)
  })

  it('rejects an action that another site causes', async () => {
    app = await startApp()
    const { page } = await open()
    await page.goto(app.page)
    const statuses = await page.evaluate(async () => {
      const post = (headers: Record<string, string>) =>
        fetch('api/actions/clear-cache', { method: 'POST', headers, body: '{}' }).then(({ status }) => status)
      return [
        await post({ 'content-type': 'application/json' }),
        await post({ 'content-type': 'text/plain', 'x-sluice-action': '1' }),
      ]
    })
    expect(statuses).toEqual([403, 415])
  })
})
