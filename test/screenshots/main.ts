// Takes screenshots of the dashboard for the docs, from the running demo: `pnpm docs:screenshots`. Requires a
// Chromium and takes 6 minutes.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findChromium } from '../browser/find-chromium.ts'
import { freePort } from '../services/free-port.ts'
import { type Pixels, palettePng } from './palette-png.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/screenshots')
/** Time for the simulated visitors to open all pages, and for enough values for a forecast. */
const WARM_UP_MS = 240_000
const SETTLE_MS = 1_200

interface Picture {
  readonly name: string
  /** Location after `#/`. */
  readonly place: string
  /** Whether there is also one of a narrow window. */
  readonly isNarrow?: boolean
  /** Preparation before the screenshot. */
  readonly act?: (page: Page) => Promise<unknown>
}

const openFirst = (page: Page) => page.locator('tbody tr').first().click()
const openLast = (page: Page) => page.locator('tbody tr').last().click()

function pictures(request: string): readonly Picture[] {
  return [
    { name: 'now', place: 'now', isNarrow: true },
    { name: 'requests', place: 'requests', isNarrow: true },
    { name: 'request', place: `requests/${request}`, isNarrow: true },
    { name: 'finding', place: 'findings', isNarrow: true, act: openFirst },
    { name: 'queries', place: 'queries', act: openFirst },
    { name: 'cache', place: 'cache' },
    { name: 'jobs', place: 'jobs', act: openLast },
    { name: 'metrics', place: 'metrics', isNarrow: true },
    { name: 'alerts', place: 'alerts' },
  ]
}

const wide = { prefix: '', viewport: { width: 1_280, height: 800 } } as const
const narrow = { prefix: 'narrow-', viewport: { width: 360, height: 720 } } as const

function looksOf({ isNarrow = false }: Picture) {
  return (['light', 'dark'] as const).flatMap((colorScheme) =>
    (isNarrow ? [wide, narrow] : [wide]).map((size) => ({ ...size, colorScheme })),
  )
}

async function take(
  browser: Browser,
  url: string,
  picture: Picture,
  look: ReturnType<typeof looksOf>[number],
) {
  const { prefix, colorScheme, viewport } = look
  const { place, act } = picture
  const name = `${picture.name}-${prefix}${colorScheme}`
  const context = await browser.newContext({ colorScheme, viewport })
  const page = await context.newPage()
  await page.goto(`${url}#/${place}`)
  await page.waitForLoadState('load')
  await sleep(SETTLE_MS)
  await act?.(page)
  await sleep(SETTLE_MS)
  const png = await page.screenshot()
  await page.goto('about:blank')
  writeFileSync(join(folder, `${name}.png`), palettePng(await pixelsOf(page, png)))
  await context.close()
  process.stdout.write(`${name}\n`)
}

/** Decodes a picture in the browser. */
async function pixelsOf(page: Page, png: Buffer): Promise<Pixels> {
  const source = JSON.stringify(`data:image/png;base64,${png.toString('base64')}`)
  return await page.evaluate<Pixels>(`(async () => {
    const image = new Image()
    image.src = ${source}
    await image.decode()
    const { width, height } = image
    const drawing = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d')
    drawing.drawImage(image, 0, 0)
    const { data } = drawing.getImageData(0, 0, width, height)
    return { width, height, values: Array.from(new Uint32Array(data.buffer)) }
  })()`)
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
  for (const picture of pictures(await requestToShow(url)))
    for (const look of looksOf(picture)) await take(browser, url, picture, look)
} finally {
  await browser.close()
  demo.kill('SIGTERM')
}
