import { afterEach, beforeEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('the stream of the page', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  it('is one for all tabs of a browser, and ends with the last of them', async () => {
    const { page, context } = await open()
    const second = await context.newPage()
    for (const tab of [page, second]) {
      await tab.goto(app.page)
      await tab.getByText('Live', { exact: true }).waitFor()
    }
    expect(app.streams()).toBe(1)
    await app.ask('/cities')
    for (const tab of [page, second]) await tab.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
    await second.close()
    await page.waitForTimeout(300)
    expect(app.streams()).toBe(1)
    await page.close()
    await expect.poll(() => app.streams(), SOON).toBe(0)
  })

  it('is not waited for: the document carries what is shown first, past the policy of the page', async () => {
    await app.close()
    app = await startApp({ dashboard: { maxStreams: 1 } })
    await app.ask('/cities', 3)
    const taken = await fetch(`${app.page}api/stream`)
    const { page, complaints } = await open()
    await page.goto(app.page)
    await page.getByText('No connection, again in').waitFor()
    await page.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
    const totals = page.getByText('Since the start:')
    const carried = await totals.textContent()
    expect(await page.locator('script').count()).toBe(1)
    expect(complaints).toEqual([])
    await taken.body?.cancel()
    await page.getByRole('button', { name: 'Now', exact: true }).click()
    await page.getByText('Live', { exact: true }).waitFor()
    await app.ask('/cities')
    await expect.poll(() => totals.textContent(), SOON).not.toBe(carried)
  })

  it('goes on from the document, in which each request is once', async () => {
    let sent: Promise<void> | undefined
    await app.close()
    // One while the document is made, one while the page starts: before and after what it carries.
    app = await startApp({
      before: () => {
        sent ??= app.ask('/cities', 3).then(() => app.ask('/regions/1', 3))
      },
    })
    const { page } = await open()
    await page.goto(`${app.page}#/requests?view=latest`)
    await page.getByText('Live', { exact: true }).waitFor()
    await sent
    await expect.poll(() => page.locator('tbody tr').count(), SOON).toBe(6)
    await page.waitForTimeout(600)
    expect(await page.locator('tbody tr').count()).toBe(6)
    expect(app.wentOnFrom).toEqual([expect.stringMatching(/^[0-9a-f]{12}\.\d+$/)])
  })

  it('stops while nobody looks, and goes on with what happened meanwhile', async () => {
    const { page } = await open()
    await page.goto(`${app.page}#/requests?view=latest`)
    await page.getByText('Live', { exact: true }).waitFor()
    const setHidden = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} }), document.dispatchEvent(new Event('visibilitychange'))`,
      )
    await setHidden(true)
    await expect.poll(() => app.streams(), SOON).toBe(0)
    await app.ask('/cities')
    await setHidden(false)
    await page.getByRole('link', { name: 'GET /cities' }).waitFor()
    expect(app.streams()).toBe(1)
  })

  it('comes back after a restart of the app, and says that it was one', async () => {
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    const port = Number(new URL(app.origin).port)
    await app.close()
    await page.getByText('No connection, again in').waitFor()
    app = await startApp({ port })
    await page.getByText('atlas was restarted').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await app.ask('/cities')
    await page.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
  })

  it('is the tab’s own where a browser has no shared workers', async () => {
    const { page, context, complaints } = await open()
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker')
    })
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    await app.ask('/cities')
    await page.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
    expect(complaints).toEqual([])
    await page.close()
    await expect.poll(() => app.streams(), SOON).toBe(0)
  })

  it('shows nothing new while it is paused, and tells how much there is', async () => {
    await app.ask('/regions/1')
    const { page } = await open()
    await page.goto(`${app.page}#/requests?view=latest`)
    await page.getByRole('link', { name: 'GET /regions/:id' }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await app.ask('/cities', 3)
    await page.getByText('Paused, 3 new').waitFor()
    expect(await page.getByRole('link', { name: 'GET /cities' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Pause' }).click()
    await expect.poll(() => page.getByRole('link', { name: 'GET /cities' }).count(), SOON).toBe(3)
  })

  it('moves no row under the pointer: new ones wait until they are asked for', async () => {
    await app.ask('/regions/1', 3)
    const { page } = await open()
    await page.goto(`${app.page}#/requests?view=latest`)
    const rows = page.locator('tbody tr')
    await expect.poll(() => rows.count(), SOON).toBe(3)
    await rows.nth(1).hover()
    const before = await rows.nth(1).boundingBox()
    await app.ask('/cities', 2)
    await page.getByRole('button', { name: '2 new' }).waitFor()
    expect(await rows.count()).toBe(3)
    expect(await rows.nth(1).boundingBox()).toEqual(before)
    await page.getByRole('button', { name: '2 new' }).click()
    await expect.poll(() => rows.count(), SOON).toBe(5)
  })
})
