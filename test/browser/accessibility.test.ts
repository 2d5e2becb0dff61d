import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { SOON, TEST_MS } from '../support/patience.ts'
import { startApp, type TestApp } from './app.ts'
import { describeInBrowser, useBrowser } from './browser.ts'

/** Screenshots for manual review. */
const pictures = join(import.meta.dirname, '../../.sluice/screenshots')
const MAX_ELEMENTS = 2_000

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

describeInBrowser('every page', () => {
  const open = useBrowser()
  let app: TestApp
  let places: Readonly<Record<string, string>>

  beforeAll(async () => {
    app = await startApp({
      sluice: {
        mode: 'observe',
        monitor: {},
        jobs: {},
        balancer: { region: { local: 'eu-west', zone: 'a', rttMs: { 'us-east': 80 } } },
      },
      dashboard: { showParameters: true },
    })
    places = await somethingEverywhere(app)
    mkdirSync(pictures, { recursive: true })
  })
  afterAll(() => app.close())

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no serious axe violations in ${colorScheme} mode`, { timeout: TEST_MS }, async () => {
      const { page, complaints } = await open({ colorScheme, reducedMotion: 'reduce' })
      const found: string[] = []
      for (const [name, fragment] of Object.entries(places)) {
        await visit(page, app, fragment)
        await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) })
        for (const { id, impact, nodes } of await violations(page))
          found.push(`${name}: ${impact} ${id} ${nodes[0]?.html}`)
      }
      await visit(page, app, 'cache')
      await page.getByRole('button', { name: 'Warm', exact: true }).click()
      await page.getByLabel('Namespace').fill('texts')
      await page.getByLabel('Values by key, as JSON').fill('{')
      await page.getByRole('button', { name: 'Add values' }).click()
      await page.getByRole('alert').waitFor()
      await page.screenshot({ path: join(pictures, `warm-${colorScheme}.png`) })
      for (const { id, impact, nodes } of await violations(page))
        found.push(`warm: ${impact} ${id} ${nodes[0]?.html}`)
      await page.getByRole('button', { name: 'Warm', exact: true }).click()
      await page.getByRole('button', { name: 'Warm', exact: true }).blur()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      for (const { id, impact, nodes } of await violations(page))
        found.push(`help: ${impact} ${id} ${nodes[0]?.html}`)
      expect(found).toEqual([])
      expect(complaints).toEqual([])
    })
  }

  it('fits into a window of 320 pixels', { timeout: TEST_MS }, async () => {
    const { page } = await open({ viewport: { width: 320, height: 640 } })
    const wide: string[] = []
    for (const [name, fragment] of Object.entries(places)) {
      await visit(page, app, fragment)
      await page.screenshot({ path: join(pictures, `${name}-narrow.png`), fullPage: true })
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      if (width > 320) wide.push(`${name}: ${width}`)
    }
    expect(wide).toEqual([])
    await page.getByRole('button', { name: 'Pages' }).click()
    await page.getByRole('link', { name: 'Cache' }).click()
    await page.getByRole('heading', { name: 'Cache', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Warm', exact: true }).click()
    await page.screenshot({ path: join(pictures, 'warm-narrow.png'), fullPage: true })
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
  })

  it(`has at most ${MAX_ELEMENTS} elements with all items opened`, { timeout: TEST_MS }, async () => {
    const { page } = await open()
    const many: string[] = []
    for (const [name, fragment] of Object.entries(places)) {
      await visit(page, app, fragment)
      const elements = await page.evaluate<number>("document.querySelectorAll('*').length")
      if (elements > MAX_ELEMENTS) many.push(`${name}: ${elements}`)
    }
    expect(many).toEqual([])
  })

  it('has targets of at least 24 pixels (WCAG 2.2, 2.5.8)', { timeout: TEST_MS }, async () => {
    const { page } = await open()
    const small: string[] = []
    for (const fragment of Object.values(places)) {
      await visit(page, app, fragment)
      small.push(...(await page.evaluate<string[]>(SMALL_TARGETS)))
    }
    expect([...new Set(small)]).toEqual([])
  })
})

/** Excludes links in a line of text, as the rule allows. */
const SMALL_TARGETS = `[...document.querySelectorAll('button, a, input, select, summary')]
  .filter((element) => element.checkVisibility() && !element.closest('p, dd, .hidden-visually, .mini-list, .crumbs, .plain-text, .skip, .check'))
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([element, { width, height }]) => width > 0 && (width < 24 || height < 24) && element.className !== 'skip')
  .map(([element, { width, height }]) => element.outerHTML.slice(0, 80) + ' ' + width + '×' + height)`

async function visit(page: Page, { page: address }: TestApp, fragment: string): Promise<void> {
  await page.goto(`${address}#/${fragment}`)
  await page.getByText('Live', { exact: true }).waitFor()
  await expect.poll(() => page.getByText('Loading…').count(), SOON).toBe(0)
}

async function violations(page: Page): Promise<Violation[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate<Violation[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  )
  return found.filter(({ impact }) => impact === 'serious' || impact === 'critical')
}

/** Generates data for each page and returns the URLs of the pages. */
async function somethingEverywhere({
  ask,
  sluice,
  page,
}: TestApp): Promise<Readonly<Record<string, string>>> {
  const { monitor, jobs, balancer } = sluice
  await ask('/cities', 3)
  await ask('/regions/2', 80)
  monitor?.registerMetric('orders', { unit: 'orders/min', warning: 50, critical: 90, description: 'Orders' })
  for (const value of [95, 60, 120]) monitor?.recordMetric('orders', value, 'shop')
  jobs?.createQueue('mail')
  jobs?.registerProcessor('mail', async () => {
    throw new Error('connect ECONNREFUSED 127.0.0.1:25')
  })
  jobs?.start()
  for (let task = 0; task < 12; task += 1)
    await jobs?.enqueueTask({ to: `person-${task}@example.org` }, 'normal', 'mail', { maxRetries: 0 })
  for (const [at, region] of ['eu-west', 'eu-west', 'us-east'].entries())
    balancer?.registerNode(`10.0.0.${at + 1}`, 8080, { region, zone: 'a' })
  balancer?.acquire()
  const api = async <T>(path: string): Promise<T> => (await (await fetch(`${page}api/${path}`)).json()) as T
  await vi.waitFor(
    async () => expect((await api<{ deadLetters: { total: number } }>('jobs')).deadLetters.total).toBe(12),
    SOON,
  )
  const { findings } = await api<{ findings: { key: string; request: string }[] }>('findings')
  const { statements } = await api<{ statements: { fingerprint: string }[] }>('queries')
  const { deadLetters } = await api<{ deadLetters: { groups: { key: string }[] } }>('jobs')
  const first = findings[0]
  if (first === undefined) throw new Error('GET /cities has no finding.')
  const opened = (name: string, params: Record<string, string>): string =>
    `${name}?${new URLSearchParams(params)}`
  return {
    now: 'now',
    requests: opened('requests', { open: 'GET /cities' }),
    latest: 'requests?view=latest',
    request: `requests/${first.request}?row=1`,
    gone: 'requests/nothing',
    findings: opened('findings', { open: first.key }),
    queries: opened('queries', { open: statements[0]?.fingerprint ?? '' }),
    cache: 'cache',
    nodes: opened('nodes', { open: '10.0.0.2:8080' }),
    jobs: opened('jobs', { queue: 'mail', open: deadLetters.groups[0]?.key ?? '' }),
    metrics: 'metrics?metric=orders&table=show',
    alerts: 'alerts',
  }
}
