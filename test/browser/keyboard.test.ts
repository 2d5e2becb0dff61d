import { afterAll, beforeAll, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('keyboard control of the dashboard', () => {
  const open = useBrowser()
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ sluice: { mode: 'observe', monitor: {} } })
    await app.ask('/cities', 2)
    await app.ask('/regions/1', 2)
  })
  afterAll(() => app.close())

  it('opens each page with two keys, which the help lists', async () => {
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    for (const [key, name] of Object.entries({
      r: 'Requests',
      f: 'Findings',
      q: 'Queries',
      c: 'Cache',
      o: 'Nodes',
      j: 'Jobs',
      m: 'Metrics',
      n: 'Now',
    })) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { name, level: 1, exact: true }).waitFor()
    }
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.getByRole('heading', { name: 'Alerts & scaling', level: 1 }).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count(), SOON).toBe(0)
  })

  it('filters, moves between rows, opens and closes', async () => {
    const { page } = await open()
    await page.goto(`${app.page}#/requests?sort=name&order=up`)
    await page.getByRole('button', { name: 'GET /cities' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('regions')
    await expect.poll(() => page.locator('tbody tr').count(), SOON).toBe(1)
    expect(page.url()).toContain('q=regions')
    await page.keyboard.press('Control+A')
    await page.keyboard.press('Delete')
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.locator('tr.detail').waitFor()
    expect(page.url()).toContain('open=GET+%2Fregions%2F%3Aid')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('tr.detail').count(), SOON).toBe(0)
    expect(page.url()).not.toContain('open=')
  })

  it('copies a link that opens the same view', async () => {
    const { page, context } = await open()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${app.page}#/requests?sort=queries&show=flagged`)
    await page.getByRole('button', { name: 'GET /cities' }).waitFor()
    await page.keyboard.press('y')
    await page.getByText('Link copied.').waitFor()
    const link = await page.evaluate<string>('navigator.clipboard.readText()')
    const other = await context.newPage()
    await other.goto(link)
    await other.getByRole('button', { name: 'GET /cities' }).waitFor()
    expect(await other.getByRole('button', { name: 'GET /regions/:id' }).count()).toBe(0)
    expect(await other.locator('th[aria-sort]').textContent()).toContain('Queries')
  })

  it('pauses with Space, except on a focused control', async () => {
    const { page } = await open()
    await page.goto(`${app.page}#/requests`)
    await page.getByRole('button', { name: 'GET /cities' }).waitFor()
    await page.keyboard.press('Space')
    await page.getByText('Paused').first().waitFor()
    await page.keyboard.press('Space')
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'GET /cities' }).focus()
    await page.keyboard.press('Space')
    await page.locator('tr.detail').waitFor()
    expect(await page.getByText('Paused').count()).toBe(0)
  })

  it('has a switch for single keys, which persists', async () => {
    const { page } = await open()
    await page.goto(app.page)
    await page.keyboard.press('?')
    await page.getByLabel('Enable single-key shortcuts').uncheck()
    await page.keyboard.press('Escape')
    await page.reload()
    await page.getByText('Live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await page.keyboard.press('?')
    await page.waitForTimeout(200)
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
  })

  it('skips the navigation', async () => {
    const { page } = await open()
    await page.goto(app.page)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
  })

  it('warms the cache without a pointer, and ignores keys in a field', async () => {
    const { page } = await open()
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('button', { name: 'Warm', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('jokes')
    await page.keyboard.press('Tab')
    await page.keyboard.type('{"g f": "c y ? /"}')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('jokes: 1 of 1 value cached.').waitFor()
    expect(app.sluice.cache?.get('jokes', 'g f')).toBe('c y ? /')
    await page.getByRole('heading', { name: 'Cache', level: 1 }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('moves between the values of a chart', async () => {
    const { monitor } = app.sluice
    monitor?.registerMetric('orders', { unit: 'orders/min' })
    for (const value of [40, 41, 42]) {
      monitor?.recordMetric('orders', value, 'shop')
      await new Promise((done) => setTimeout(done, 1_100))
    }
    const { page } = await open()
    await page.goto(`${app.page}#/metrics?metric=orders`)
    const chart = page.getByRole('slider')
    await chart.waitFor()
    await chart.focus()
    await page.keyboard.press('Home')
    const first = await chart.getAttribute('aria-valuetext')
    await page.keyboard.press('End')
    const last = await chart.getAttribute('aria-valuetext')
    expect(first).toMatch(/^\d\d:\d\d:\d\d, /)
    expect(last).not.toBe(first)
    await page.getByRole('button', { name: 'Show table' }).click()
    await page.getByRole('columnheader', { name: 'Measured' }).waitFor()
  })
})
