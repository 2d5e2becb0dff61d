import { hostOf } from '@sluice/core/siblings'
import { afterEach, expect, it } from 'vitest'
import { SOON } from '../support/patience.ts'
import { type AppOptions, startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

describeInBrowser('dashboard estimates', () => {
  const open = useBrowser()
  let app: TestApp
  afterEach(() => app.close())

  async function openCache(options: AppOptions = {}) {
    app = await startApp(options)
    const opened = await open()
    await opened.page.goto(`${app.page}#/cache`)
    const section = opened.page.getByRole('region', { name: 'What optimize would save' })
    return { ...opened, section }
  }

  it('show what optimize would have saved, with the reasons for the rest', async () => {
    const { section, complaints } = await openCache()
    await section.getByText('Not recorded.').waitFor()
    expect(hostOf(app.sluice).trace.hasWindow).toBe(false)
    await section.getByRole('button', { name: 'Record' }).click()
    await section.getByText('Recording. Send requests to your app.').waitFor()
    await app.ask('/cities', 20)
    await expect
      .poll(() => section.textContent(), { ...SOON, timeout: 20_000 })
      .toMatch(/\d+% of the last \d+ statements \(.*\): \d+ reads? from the cache, \d+ batched or prefetched/)
    expect(await section.textContent()).toMatch(/At most >?\d+% can be saved\./)
    expect(complaints).toEqual([])
  })

  it('cannot be started without the right to act', async () => {
    const { section } = await openCache({ dashboard: { actions: false } })
    await section.getByText('Not recorded.').waitFor()
    expect(await section.getByRole('button').count()).toBe(0)
  })

  it('are not shown while Sluice optimizes', async () => {
    const { page, section } = await openCache({ sluice: { mode: 'optimize' } })
    await page.getByRole('heading', { name: 'Reads by source' }).waitFor()
    expect(await section.count()).toBe(0)
  })
})
