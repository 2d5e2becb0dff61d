// How soon the dashboard shows figures in a Chromium: a document that contains them, compared with one that
// waits for the stream.
import { chromium, type Page } from 'playwright-core'
import { startApp, type TestApp } from '../browser/app.ts'
import { findChromium } from '../browser/find-chromium.ts'
import { benchOptions, type Figure, median } from './harness.ts'

const TARGET_MS = 300
const ROUTES = 20
const REQUESTS = 220
const POLL_MS = 50

/** Records when the figures are in the document, and when the frame that shows them was rendered. */
const WATCH = `(() => {
  const seen = globalThis.firstView = {}
  new MutationObserver((_, observer) => {
    if (document.querySelector('.vitals') === null) return
    observer.disconnect()
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => { seen.paintedMs = performance.now() }
      port2.postMessage(0)
    })
  }).observe(document, { childList: true, subtree: true })
})()`

interface Contender {
  readonly name: string
  readonly app: TestApp
  /**
   * Without any cached part of the page in the browser; and with its scripts cached, like from the second
   * visit on.
   */
  readonly samples: Readonly<Record<'cold' | 'warm', number[]>>
}

async function open(name: string, carries: boolean): Promise<Contender> {
  const app = await startApp({
    sluice: { mode: 'observe', monitor: {}, jobs: {}, balancer: {} },
    routes: (routes, db) => {
      for (let route = 0; route < ROUTES; route += 1)
        routes.get(
          `/routes/${route}`,
          async (_, response) => void response.json(await db('city').where({ id: route }).first()),
        )
    },
    // Like a link on another site: the shown data is not in the document then.
    ...(carries
      ? {}
      : { before: (request) => void Object.assign(request.headers, { 'sec-fetch-site': 'cross-site' }) }),
  })
  for (let sent = 0; sent < REQUESTS; sent += 1)
    await app.ask(sent % 10 === 0 ? '/cities' : `/routes/${sent % ROUTES}`)
  return { name, app, samples: { cold: [], warm: [] } }
}

async function shownMs(page: Page, url: string): Promise<number> {
  await page.goto('about:blank')
  await page.goto(url)
  for (;;) {
    const ms = await page.evaluate<number | undefined>('globalThis.firstView?.paintedMs')
    if (ms !== undefined) return ms
    await page.waitForTimeout(POLL_MS)
  }
}

async function main(executablePath: string): Promise<void> {
  const { json, quick } = benchOptions()
  const rounds = quick ? 15 : 31
  const contenders = [await open('waits for the stream', false), await open('carried by the document', true)]
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  })
  try {
    if (!json)
      console.log(
        `Node ${process.version}, Chromium ${browser.version()}, medians of ${rounds} interleaved rounds`,
      )
    for (let round = -2; round < rounds; round += 1) {
      for (const { app, samples } of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
        await context.addInitScript(WATCH)
        const page = await context.newPage()
        for (const kind of ['cold', 'warm'] as const) {
          const ms = await shownMs(page, app.page)
          if (round >= 0) samples[kind].push(ms)
        }
        await context.close()
      }
    }
    for (const kind of ['cold', 'warm'] as const) report(kind, contenders, json)
  } finally {
    await browser.close()
    for (const { app } of contenders) await app.close()
  }
}

function report(kind: 'cold' | 'warm', contenders: readonly Contender[], json: boolean): void {
  const against = Object.fromEntries(contenders.map(({ name, samples }) => [name, median(samples[kind])]))
  const value = Object.values(against).at(-1) ?? Number.NaN
  const figure: Figure = {
    area: 'dashboard',
    id: `firstView.${kind}`,
    value,
    unit: 'ms',
    target: TARGET_MS,
    ok: value <= TARGET_MS,
    against,
  }
  if (json) {
    console.log(JSON.stringify(figure))
    return
  }
  console.log(
    `\nFirst view, ${kind === 'cold' ? 'the first time in a browser' : 'with its scripts kept by the browser'}`,
  )
  for (const [name, ms] of Object.entries(against))
    console.log(`  ${name.padEnd(34)} ${ms.toFixed(0).padStart(5)} ms`)
  console.log(
    `  ${figure.ok ? 'met   ' : 'MISSED'} ${figure.id}: ${value.toFixed(0)} ms (target ≤ ${TARGET_MS} ms)`,
  )
}

const executablePath = findChromium()
if (executablePath === undefined) console.warn('There is no Chromium: nothing was measured.')
else await main(executablePath)
