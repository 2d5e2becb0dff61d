import { afterEach, beforeEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard actions', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp({ sluice: { mode: 'observe', monitor: {}, balancer: {}, jobs: {} } })
  })
  afterEach(() => app.close())

  it('acknowledges an alert, which stays open until it is resolved', async () => {
    app.sluice.monitor?.registerMetric('orders', { unit: 'orders/min', warning: 50, critical: 90 })
    app.sluice.monitor?.recordMetric('orders', 120, 'shop')
    const { page } = await open()
    await page.goto(`${app.page}#/alerts`)
    await page.getByRole('heading', { name: '1 open alert' }).waitFor()
    await page.getByRole('button', { name: /^Acknowledge / }).click()
    await page.getByText(', acknowledged by dashboard').waitFor()
    expect(app.sluice.monitor?.getActiveAlerts().map(({ status }) => status)).toEqual(['acknowledged'])
    expect(await page.getByRole('button', { name: /^Acknowledge / }).count()).toBe(0)
  })

  it('retries one dead letter, and all of its group', async () => {
    let isDown = true
    const { jobs } = app.sluice
    const sent: unknown[] = []
    jobs?.createQueue('mail')
    jobs?.registerProcessor('mail', async (data) => {
      if (isDown) throw new Error('connect ECONNREFUSED 127.0.0.1:25')
      sent.push(data)
    })
    jobs?.start()
    for (const to of ['a', 'b', 'c']) await jobs?.enqueueTask({ to }, 'normal', 'mail', { maxRetries: 0 })
    const { page } = await open()
    await page.goto(`${app.page}#/jobs`)
    await page.getByRole('button', { name: 'connect ECONNREFUSED 127.0.0.1:25' }).click()
    await page.getByText('3 tasks', { exact: true }).waitFor()
    isDown = false
    await page
      .getByRole('button', { name: /^Retry \w+-/ })
      .first()
      .click()
    await page.getByText('1 task scheduled for retry.').waitFor()
    await expect.poll(() => sent.length, SOON).toBe(1)
    await page.getByRole('button', { name: 'Retry all 2', exact: true }).click()
    await page.getByText('2 tasks scheduled for retry.').waitFor()
    await expect.poll(() => sent.length, SOON).toBe(3)
    await page.getByText('No task has failed permanently.').waitFor()
  })

  it('asks for confirmation before it discards', async () => {
    const { jobs } = app.sluice
    jobs?.createQueue('mail')
    jobs?.registerProcessor('mail', async () => {
      throw new Error('No such mailbox')
    })
    jobs?.start()
    await jobs?.enqueueTask({ to: 'a' }, 'normal', 'mail', { maxRetries: 0 })
    const { page } = await open()
    await page.goto(`${app.page}#/jobs`)
    await page.getByRole('button', { name: 'No such mailbox' }).click()
    await page.getByRole('button', { name: 'Discard', exact: true }).click()
    await page.getByRole('button', { name: 'Discard 1 task permanently?' }).waitFor()
    expect((await jobs?.listDeadLetters())?.length).toBe(1)
    await page.getByRole('button', { name: 'Discard 1 task permanently?' }).click()
    await page.getByText('1 dead letter discarded.').waitFor()
    expect((await jobs?.listDeadLetters())?.length).toBe(0)
  })

  it('copies a recommended index', async () => {
    await app.ask('/regions/3', 3)
    const { page, context } = await open()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${app.page}#/queries`)
    await page.getByRole('button', { name: 'Analyze database' }).click()
    await page.getByRole('button', { name: 'Copy fix' }).first().click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const sql = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(sql).toMatch(/^CREATE INDEX .* ON "?city"? ?\("?region_id"?.*\);$/s)
    await app.db.raw(sql)
  })

  it('shows the plan of a statement as a tree', async () => {
    await app.ask('/regions/3')
    const { page } = await open()
    await page.goto(`${app.page}#/queries?q=region_id`)
    await page.getByRole('button', { name: /^select \* from city where region_id/ }).click()
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('full table scan').waitFor()
  })

  it('sets and removes the budget of a route', async () => {
    await app.ask('/cities')
    const { page } = await open()
    await page.goto(`${app.page}#/requests?open=GET+%2Fcities`)
    await page.getByLabel('Query budget for GET /cities').fill('4')
    await page.getByRole('button', { name: 'Set', exact: true }).click()
    await page.getByText('Budget for GET /cities: 4 queries per request.').waitFor()
    await page.getByText('11 of 4').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Budget for GET /cities removed.').waitFor()
  })

  it('drains and resumes a node', async () => {
    app.sluice.balancer?.registerNode('10.0.0.1', 8080)
    app.sluice.balancer?.registerNode('10.0.0.2', 8080)
    const { page } = await open()
    await page.goto(`${app.page}#/nodes`)
    await page.getByRole('button', { name: '10.0.0.2:8080' }).click()
    await page.getByRole('button', { name: 'Drain 10.0.0.2:8080' }).click()
    await page.getByRole('button', { name: 'Resume 10.0.0.2:8080' }).waitFor()
    expect(app.sluice.balancer?.getNodeStats('10.0.0.2:8080').status).toBe('maintenance')
    await page.getByRole('button', { name: 'Resume 10.0.0.2:8080' }).click()
    await expect.poll(() => app.sluice.balancer?.getNodeStats('10.0.0.2:8080').status, SOON).toBe('healthy')
  })

  it('clears the cache after a confirmation', async () => {
    app.sluice.cache?.set('texts', 'greeting', 'hello')
    app.sluice.cache?.get('texts', 'greeting')
    const { page } = await open()
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('button', { name: 'Clear cache' }).click()
    await page.getByRole('button', { name: 'Clear 1 entry?' }).click()
    await page.getByText('Cache cleared.').waitFor()
    expect(app.sluice.cache?.getStats().itemCount).toBe(0)
  })

  it('adds values to the cache and shows errors of invalid ones', async () => {
    const { page, complaints } = await open()
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('button', { name: 'Warm', exact: true }).click()
    await page.getByLabel('Namespace').fill('results')
    await page.getByLabel('Values by key, as JSON').fill('{"greeting": hello}')
    await page.getByRole('button', { name: 'Add values' }).click()
    await page.getByRole('alert').getByText('Invalid JSON:').waitFor()
    await page.getByLabel('Values by key, as JSON').fill('{"greeting": "hello"}')
    await page.getByRole('button', { name: 'Add values' }).click()
    await page.getByText('Argument "namespace"').waitFor()
    await page.getByLabel('Namespace').fill('texts')
    await page.getByRole('button', { name: 'Add values' }).click()
    await page.getByText('texts: 1 of 1 value cached.').waitFor()
    expect(app.sluice.cache?.get('texts', 'greeting')).toBe('hello')
    expect(app.sluice.cache?.getStats().itemCount).toBe(1)
    expect(await page.getByRole('alert').filter({ hasText: 'Invalid JSON:' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
