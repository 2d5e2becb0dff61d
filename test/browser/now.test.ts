import { afterEach, beforeEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard figures', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  it('are charts on the page Now, whose lines are continuous at low traffic', async () => {
    const { page, complaints } = await open()
    await page.goto(app.page)
    const charts = page.getByRole('list', { name: 'The last 2 minutes' }).getByRole('listitem')
    await charts.first().waitFor()
    const labels = await charts.locator('.vital-label').allTextContents()
    expect(labels).toEqual([
      'Requests',
      'Response time p50',
      'Response time p95',
      'Errors',
      'Queries per request',
      'Database share',
    ])
    const lineOf = (label: string) =>
      charts.filter({ hasText: label }).locator('path').last().getAttribute('d')
    const ofRequests = labels.filter((label) => !['Requests', 'Errors'].includes(label))
    await app.ask('/cities')
    await expect.poll(() => lineOf('Database share'), SOON).toMatch(/^M/)
    // At least one second without requests.
    await page.waitForTimeout(2_100)
    await app.ask('/cities')
    for (const label of ofRequests) await expect.poll(() => lineOf(label), SOON).toMatch(/^M[^M]*L[^M]*$/)
    const queries = charts.filter({ hasText: 'Queries per request' })
    expect(await queries.textContent()).toContain('11max 11')
    expect(complaints).toEqual([])
  })

  it('of cached values of the app are separate from those of query results', async () => {
    for (let time = 0; time < 3; time += 1) await app.sluice.tiered?.getOrLoad('k', () => 1)
    const { page } = await open()
    await page.goto(`${app.page}#/cache`)
    const values = page.getByRole('region', { name: 'Values of the app' })
    await expect
      .poll(() => values.locator('.figure').allTextContents(), SOON)
      .toEqual(expect.arrayContaining(['Hits2', 'Loads1', 'Store hits0']))
    expect(await page.getByRole('region', { name: 'Query results' }).count()).toBe(0)
  })

  it('have no space for a scrollbar while nothing overflows', async () => {
    const { page } = await open()
    await page.goto(`${app.page}#/nodes`)
    await page.getByRole('heading', { name: 'Nodes' }).waitFor()
    const gap = "innerWidth - document.querySelector('.top').getBoundingClientRect().width"
    expect(await page.evaluate<number>(gap)).toBe(0)
  })
})
