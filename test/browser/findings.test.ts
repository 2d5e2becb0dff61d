import { afterEach, beforeEach, expect, it } from 'vitest'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard page of an N+1', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  it('shows it as soon as it happens, without a reload', async () => {
    const { page, complaints } = await open()
    await page.goto(app.page)
    await page.getByText('No requests yet. Send one to your app.').waitFor()
    await app.ask('/cities')
    await page.getByRole('link', { name: /^N\+1\s+GET \/cities$/ }).waitFor()
    expect(await page.getByRole('link', { name: /^Findings 1 findings/ }).count()).toBe(1)
    expect(complaints).toEqual([])
  })

  it('shows its call site and fix', async () => {
    await app.ask('/cities', 2)
    const { page } = await open()
    await page.goto(`${app.page}#/findings`)
    await page.getByRole('button', { name: 'N+1 GET /cities' }).click()
    const detail = page.locator('tr.detail')
    await detail.getByText("db('region').whereIn('id', keys)").waitFor()
    const text = (await detail.textContent()) ?? ''
    expect(text).toMatch(/test\/browser\/app\.ts:\d+:\d+/)
    expect(text).toContain('10×')
    expect(text).toContain('Seen in 2 requests')
    expect(page.url()).toContain('open=')
  })

  it('shows it as one group in the waterfall, below its parent query', async () => {
    await app.ask('/cities')
    const { page } = await open()
    await page.goto(`${app.page}#/findings`)
    await page.getByRole('button', { name: 'N+1 GET /cities' }).click()
    await page.getByRole('link', { name: 'Open request' }).click()
    const lines = page.getByRole('list', { name: 'Queries in start order' }).locator('li.line')
    await lines.first().waitFor()
    expect(await lines.count()).toBe(2)
    expect(await lines.nth(0).textContent()).toContain('from city')
    expect(await lines.nth(1).textContent()).toContain('10×')
    expect(await lines.nth(1).locator('.elbow').count()).toBe(1)
    const ticks = (await lines.nth(1).locator('svg.bar > path').getAttribute('d')) ?? ''
    expect(ticks.match(/M/g)?.length).toBeGreaterThan(0)
    await lines.nth(1).getByRole('button', { name: '10×' }).click()
    await lines.nth(1).getByText('10 executions, sequential').waitFor()
  })

  it('copies the fix with a key and confirms it', async () => {
    await app.ask('/cities')
    const { page, context } = await open()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${app.page}#/findings`)
    await page.getByRole('button', { name: 'N+1 GET /cities' }).click()
    await page.getByRole('button', { name: 'Copy fix' }).waitFor()
    await page.keyboard.press('c')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(
      "db('region').whereIn('id', keys)",
    )
  })

  it('mutes it and undoes that', async () => {
    await app.ask('/cities')
    const { page } = await open()
    await page.goto(app.page)
    await page.getByRole('button', { name: 'Mute N+1 GET /cities' }).click()
    await page.getByText('Muted until the app restarts.').waitFor()
    await page.getByText('No problems').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('link', { name: /^N\+1\s+GET \/cities$/ }).waitFor()
  })
})
