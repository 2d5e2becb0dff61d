import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AppAt, AppProcesses } from '../dashboard/app-process.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard of several processes', () => {
  const open = useBrowser()
  const processes = new AppProcesses()
  let apps: AppAt[] = []
  beforeAll(async () => {
    apps = await processes.start(['cluster', '3'], 3)
    await Promise.all(apps.map((app) => app.visit('/regions', 4)))
  }, TEST_MS)
  afterAll(async () => {
    await processes.end()
  }, TEST_MS)
  const pageOf = (app: AppAt | undefined) => `http://127.0.0.1:${app?.port}/_sluice/`

  it('shows which process responds, and the requests of all', async () => {
    const { page } = await open()
    await page.goto(`${pageOf(apps[0])}#/requests`)
    await page.getByText(/^process [123] of 3$/).waitFor()
    const row = page.getByRole('row', { name: /GET \/regions/ }).first()
    await row.waitFor()
    await page.getByText('12 requests', { exact: false }).first().waitFor()
    await page.getByRole('link', { name: /^process/ }).click()
    const table = page.getByRole('table', { name: 'Processes' })
    await expect.poll(() => table.getByRole('row').count(), SOON).toBe(4)
    for (const { pid } of apps) await table.getByText(`pid ${pid}`).waitFor()
    expect(await table.getByText('Current').count()).toBe(1)
  })

  it('opens the waterfall of another process and shows which one it is', async () => {
    const { recent } = await (apps[0] as AppAt).page<{
      recent: readonly { id: string; process: string; name: string }[]
    }>('requests')
    const shown = new Set<string>()
    const { page } = await open()
    for (const { id, process, name } of recent) {
      if (name !== 'GET /regions' || shown.has(process)) continue
      shown.add(process)
      await page.goto(`${pageOf(apps[0])}#/requests/${id}`)
      await page.getByRole('heading', { name: 'GET /regions' }).waitFor()
      const told = await page.getByText(/^process [123], pid \d+$/).textContent()
      expect(apps.map(({ pid }) => String(pid))).toContain(told?.split('pid ')[1])
    }
    expect(shown.size).toBe(3)
  })

  it('shows that a process does not respond', { timeout: TEST_MS }, async () => {
    const hung = apps[1] as AppAt
    const { page } = await open()
    await page.goto(`${pageOf(apps[0])}#/nodes`)
    await page.getByText(/^process [123] of 3$/).waitFor()
    process.kill(hung.pid, 'SIGSTOP')
    try {
      await page.getByText('2 of 3 processes respond').waitFor()
      const row = page.getByRole('row', { name: new RegExp(`pid ${hung.pid}`) })
      await row.getByText('Not responding').waitFor()
    } finally {
      process.kill(hung.pid, 'SIGCONT')
    }
    await page.getByText(/^process [123] of 3$/).waitFor()
  })
})
