import { expect, it } from 'vitest'
import { startApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

const IMAGE = `<img src=x onerror="alert('image')">`
const SCRIPT = `"><script>alert('script')</script><!--<script>`
const LINK = `javascript:alert('link')`

describeInBrowser('untrusted text in the dashboard', () => {
  const open = useBrowser()

  it('shows markup in SQL, route names, errors and task data as text', async () => {
    const app = await startApp({
      sluice: { mode: 'observe', monitor: {}, jobs: {}, balancer: {} },
      dashboard: { name: `atlas ${IMAGE}`, showParameters: true },
      routes: (routes, db) => {
        routes.get('/evil', async (_, response) => {
          for (let time = 0; time < 6; time += 1)
            await db.raw(
              `SELECT '${IMAGE.replaceAll("'", "''")}' AS "${LINK}", name FROM region WHERE id = ?`,
              [time],
            )
          await db.raw(`SELECT count(*) AS "${IMAGE.replaceAll(`"`, `""`)}" FROM city`)
          response.json({})
        })
      },
    })
    const { sluice } = app
    try {
      await app.ask('/evil')
      await sluice.run(() => app.db('region').first(), { name: `${IMAGE} ${SCRIPT}` })
      sluice.jobs?.createQueue('mail')
      sluice.jobs?.registerProcessor('mail', async () => {
        throw new Error(`${IMAGE} ${SCRIPT}`)
      })
      sluice.jobs?.start()
      await sluice.jobs?.enqueueTask({ to: IMAGE }, 'normal', 'mail', { maxRetries: 0 })
      sluice.monitor?.registerMetric('orders', { unit: IMAGE, warning: 1, critical: 2, description: SCRIPT })
      sluice.monitor?.recordMetric('orders', 9, IMAGE)

      const { page, complaints, dialogs } = await open()
      const texts: string[] = []
      const visit = async (fragment: string, see: string): Promise<void> => {
        await page.goto(`${app.page}#/${fragment}`)
        await page.getByText(see).first().waitFor()
        texts.push((await page.locator('body').textContent()) ?? '')
      }
      await visit('now', 'onerror')
      await visit('requests', 'onerror')
      await visit('requests?view=latest', 'onerror')
      await page.getByRole('link', { name: 'GET /evil' }).click()
      await page.getByRole('button', { name: /^6×/ }).click()
      await page.getByText(LINK).first().waitFor()
      await visit('findings', 'GET /evil')
      await page
        .getByRole('button', { name: /GET \/evil/ })
        .first()
        .click()
      await visit('queries', 'onerror')
      await page
        .getByRole('button', { name: /onerror/ })
        .first()
        .click()
      await visit('jobs', 'onerror')
      await page
        .getByRole('button', { name: /onerror/ })
        .first()
        .click()
      await page.getByText('"to"').waitFor()
      await visit('metrics?metric=orders', '</script>')
      await visit('alerts', 'onerror')

      // The document contains the same data.
      const document = await (await fetch(app.page)).text()
      expect(document).toContain('id="first-view"')
      expect(document).toContain('alert(')
      expect(document.match(/<[/!]?script|<!--|<img/gi)).toEqual([
        '<script',
        '</script',
        '<script',
        '</script',
      ])
      expect(texts.join('\n')).toContain(IMAGE)
      expect(await page.locator('img, iframe, object, embed').count()).toBe(0)
      expect(await page.locator('script').count()).toBe(1)
      expect(await page.locator('a[href^="javascript"], a[href^="data"]').count()).toBe(0)
      expect(dialogs).toEqual([])
      expect(complaints).toEqual([])
    } finally {
      await app.close()
    }
  })

  it('ignores unknown parameters in the URL', async () => {
    const app = await startApp()
    try {
      await app.ask('/cities')
      const { page, complaints, dialogs } = await open()
      await page.goto(
        `${app.page}#/requests?sort=${encodeURIComponent(SCRIPT)}&order=sideways&q=${encodeURIComponent(IMAGE)}&evil=1`,
      )
      await page.getByText('No matching routes').waitFor()
      expect(await page.getByLabel('Filter by name').inputValue()).toBe(IMAGE)
      await page.goto(`${app.page}#/${encodeURIComponent(SCRIPT)}`)
      await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
      expect(await page.locator('img').count()).toBe(0)
      expect([...dialogs, ...complaints]).toEqual([])
    } finally {
      await app.close()
    }
  })

  it('sends requests only to the app', async () => {
    const app = await startApp()
    try {
      const { page, context } = await open()
      const asked: string[] = []
      context.on('request', (request) => asked.push(request.url()))
      await page.goto(`${app.page}#/metrics`)
      await page.getByRole('heading', { name: 'Metrics', level: 1 }).waitFor()
      await page.waitForTimeout(500)
      expect(asked.length).toBeGreaterThan(3)
      expect(asked.filter((url) => !url.startsWith(app.origin))).toEqual([])
    } finally {
      await app.close()
    }
  })
})
