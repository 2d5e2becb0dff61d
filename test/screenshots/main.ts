// Takes screenshots of the dashboard for the docs, from the running demo: `pnpm docs:screenshots`. Requires a
// Chromium and takes 2 minutes.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findChromium } from '../browser/find-chromium.ts'
import { freePort } from '../services/free-port.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/screenshots')
/** Time for the simulated visitors to open all pages. */
const WARM_UP_MS = 90_000
const SETTLE_MS = 1_500

interface Picture {
  readonly name: string
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
  /** Location after `#/`. */
  readonly place: string
  /** Preparation before the screenshot. */
  readonly act?: (page: Page) => Promise<unknown>
}

const openFirst = (page: Page) => page.locator('tbody tr').first().click()

function pictures(request: string): readonly Picture[] {
  const wide = { width: 1_280, height: 800 } as const
  return [
    { name: 'now', colorScheme: 'light', ...wide, place: 'now' },
    { name: 'request', colorScheme: 'dark', ...wide, place: `requests/${request}` },
    { name: 'finding', colorScheme: 'light', ...wide, place: 'findings', act: openFirst },
    { name: 'queries', colorScheme: 'dark', ...wide, place: 'queries', act: openFirst },
    { name: 'jobs', colorScheme: 'light', ...wide, place: 'jobs' },
    { name: 'metrics', colorScheme: 'dark', ...wide, place: 'metrics' },
    { name: 'narrow', colorScheme: 'light', width: 360, height: 720, place: 'requests' },
  ]
}

async function take(
  browser: Browser,
  url: string,
  { name, colorScheme, width, height, place, act }: Picture,
): Promise<void> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height } })
  const page = await context.newPage()
  await page.goto(`${url}#/${place}`)
  await page.waitForLoadState('load')
  await sleep(SETTLE_MS)
  await act?.(page)
  await sleep(SETTLE_MS)
  await page.screenshot({ path: join(folder, `${name}.png`) })
  await context.close()
  process.stdout.write(`${name}.png\n`)
}

/** The newest request to the country page with an N+1. */
async function requestToShow(url: string): Promise<string> {
  const { routes } = (await (await fetch(`${url}api/requests`)).json()) as {
    readonly routes: readonly { readonly name: string; readonly newestFlagged: string | null }[]
  }
  const shown = routes.find(({ name }) => name === 'GET /countries/:code')?.newestFlagged
  if (shown === undefined || shown === null)
    throw new Error('GET /countries/:code has no N+1 yet. Wait longer.')
  return shown
}

const executablePath = findChromium()
if (executablePath === undefined) throw new Error('No Chromium found. Set SLUICE_TEST_CHROMIUM.')
mkdirSync(folder, { recursive: true })
const port = await freePort()
const demo = spawn(process.execPath, ['--import', 'tsx', 'src/demo.ts', '--serve'], {
  cwd: join(root, 'examples/atlas'),
  env: { ...process.env, PORT: String(port) },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
})
try {
  await sleep(WARM_UP_MS)
  const url = `http://127.0.0.1:${port}/_sluice/`
  for (const picture of pictures(await requestToShow(url))) await take(browser, url, picture)
} finally {
  await browser.close()
  demo.kill('SIGTERM')
}
