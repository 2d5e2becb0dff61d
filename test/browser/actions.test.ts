import { afterEach, beforeEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('the page, of what can be done', () => {
  const open = useBrowser()
  let app: TestApp
  beforeEach(async () => {
    app = await startApp({ sluice: { mode: 'observe', monitor: {}, balancer: {}, jobs: {} } })
  })
  afterEach(() => app.close())

  it('acknowledges an alert, which stays until it is over', async () => {
    app.sluice.monitor?.registerMetric('orders', { unit: 'orders/min', warning: 50, critical: 90 })
    app.sluice.monitor?.recordMetric('orders', 120, 'shop')
    const { page } = await open()
    await page.goto(`${app.page}#/alerts`)
    await page.getByRole('heading', { name: '1 open alert' }).waitFor()
    await page.getByRole('button', { name: /^Acknowledge / }).click()
    await page.getByText('; acknowledged by dashboard').waitFor()
    expect(app.sluice.monitor?.getActiveAlerts().map(({ status }) => status)).toEqual(['acknowledged'])
    expect(await page.getByRole('button', { name: /^Acknowledge / }).count()).toBe(0)
  })

  it('retries a dead letter, and all of its kind', async () => {
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
    await page.getByText('1 task will run again.').waitFor()
    await expect.poll(() => sent.length, SOON).toBe(1)
    await page.getByRole('button', { name: 'Retry all 2', exact: true }).click()
    await page.getByText('2 tasks will run again.').waitFor()
    await expect.poll(() => sent.length, SOON).toBe(3)
    await page.getByText('None: no task has failed for good.').waitFor()
  })

  it('asks before it discards', async () => {
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
    await page.getByRole('button', { name: 'Discard 1 task for good?' }).waitFor()
    expect((await jobs?.listDeadLetters())?.length).toBe(1)
    await page.getByRole('button', { name: 'Discard 1 task for good?' }).click()
    await page.getByText('1 dead letter discarded.').waitFor()
    expect((await jobs?.listDeadLetters())?.length).toBe(0)
  })

  it('copies an index that the advisor found', async () => {
    await app.ask('/regions/3', 3)
    const { page, context } = await open()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${app.page}#/queries`)
    await page.getByRole('button', { name: 'Analyze database' }).click()
    await page.getByRole('button', { name: 'Copy index fix' }).first().click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const sql = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(sql).toMatch(/^CREATE INDEX .* ON "?city"? ?\("?region_id"?.*\);$/s)
    await app.db.raw(sql)
  })

  it('explains a statement as a tree', async () => {
    await app.ask('/regions/3')
    const { page } = await open()
    await page.goto(`${app.page}#/queries?q=region_id`)
    await page.getByRole('button', { name: /^select \* from city where region_id/ }).click()
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('reads the whole table').waitFor()
  })

  it('sets the budget of a route, and takes it back', async () => {
    await app.ask('/cities')
    const { page } = await open()
    await page.goto(`${app.page}#/requests?open=GET+%2Fcities`)
    await page.getByLabel('Most queries of a request of GET /cities').fill('4')
    await page.getByRole('button', { name: 'Set', exact: true }).click()
    await page.getByText('Budget of GET /cities: 4 queries.').waitFor()
    await page.getByText('11 of 4').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('No budget for GET /cities any more.').waitFor()
  })

  it('drains a node, and uses it again', async () => {
    app.sluice.balancer?.registerNode('10.0.0.1', 8080)
    app.sluice.balancer?.registerNode('10.0.0.2', 8080)
    const { page } = await open()
    await page.goto(`${app.page}#/nodes`)
    await page.getByRole('button', { name: '10.0.0.2:8080' }).click()
    await page.getByRole('button', { name: 'Drain 10.0.0.2:8080' }).click()
    await page.getByRole('button', { name: 'Use 10.0.0.2:8080 again' }).waitFor()
    expect(app.sluice.balancer?.getNodeStats('10.0.0.2:8080').status).toBe('maintenance')
    await page.getByRole('button', { name: 'Use 10.0.0.2:8080 again' }).click()
    await expect.poll(() => app.sluice.balancer?.getNodeStats('10.0.0.2:8080').status, SOON).toBe('healthy')
  })

  it('empties the cache once it was asked for twice', async () => {
    app.sluice.cache?.set('texts', 'greeting', 'hello')
    app.sluice.cache?.get('texts', 'greeting')
    const { page } = await open()
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('button', { name: 'Clear cache' }).click()
    await page.getByRole('button', { name: 'Clear 1 entry?' }).click()
    await page.getByText('The cache is empty now.').waitFor()
    expect(app.sluice.cache?.getStats().itemCount).toBe(0)
  })

  it('warms the cache with values that are given, and says what is wrong with others', async () => {
    const { page, complaints } = await open()
    await page.goto(`${app.page}#/cache`)
    await page.getByRole('button', { name: 'Warm', exact: true }).click()
    await page.getByLabel('Namespace').fill('results')
    await page.getByLabel('Values by key, as JSON').fill('{"greeting": hello}')
    await page.getByRole('button', { name: 'Put in' }).click()
    await page.getByRole('alert').getByText('This is no JSON.').waitFor()
    await page.getByLabel('Values by key, as JSON').fill('{"greeting": "hello"}')
    await page.getByRole('button', { name: 'Put in' }).click()
    await page.getByText("namespace of Sluice's own").waitFor()
    await page.getByLabel('Namespace').fill('texts')
    await page.getByRole('button', { name: 'Put in' }).click()
    await page.getByText('texts: the cache took 1 of 1 value.').waitFor()
    expect(app.sluice.cache?.get('texts', 'greeting')).toBe('hello')
    expect(app.sluice.cache?.getStats().itemCount).toBe(1)
    expect(await page.getByRole('alert').filter({ hasText: 'This is no JSON.' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
