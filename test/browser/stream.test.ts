import { afterEach, beforeEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard stream', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  it('is shared by all tabs of a browser, and ends with the last one', async () => {
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

  it('is not required for the first view, which the document contains, within the security policy', async () => {
    await app.close()
    app = await startApp({ dashboard: { maxStreams: 1 } })
    await app.ask('/cities', 3)
    const taken = await fetch(`${app.page}api/stream`)
    const { page, complaints } = await open()
    await page.goto(app.page)
    await page.getByText('Disconnected, retrying in').waitFor()
    await page.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
    const totals = page.getByText('Since startup:')
    const carried = await totals.textContent()
    expect(await page.locator('script').count()).toBe(1)
    expect(complaints).toEqual([])
    await taken.body?.cancel()
    const live = page.getByText('Live', { exact: true }).waitFor()
    // The page also retries automatically, and then the button is gone.
    const retry = page.getByRole('button', { name: 'Retry now', exact: true }).click()
    await Promise.race([live, retry.catch(() => {})])
    await live
    await app.ask('/cities')
    await expect.poll(() => totals.textContent(), SOON).not.toBe(carried)
  })

  it('continues from the document without duplicate requests', async () => {
    let sent: Promise<void> | undefined
    await app.close()
    // One request while the document is created, one while the page starts.
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

  it('stops while no tab is visible, and catches up later', async () => {
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

  it('reconnects after a restart of the app and reports it', async () => {
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    const port = Number(new URL(app.origin).port)
    await app.close()
    await page.getByText('Disconnected, retrying in').waitFor()
    app = await startApp({ port })
    await page.getByText('atlas restarted').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await app.ask('/cities')
    await page.getByRole('link', { name: /^N\+1\s+GET/ }).waitFor()
  })

  it('is separate for each tab without shared workers', async () => {
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

  it('shows the number of new requests while it is paused', async () => {
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

  it('keeps rows in place under the pointer until new ones are requested', async () => {
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
