import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest'
import { SOON } from '../support/patience.ts'

/** Tests in a browser, skipped if there is none. */
export const describeInBrowser: typeof describe.skip = inject('chromium') === null ? describe.skip : describe

export interface Watched {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of the page and violations of its security policy, without failed requests. */
  readonly complaints: readonly string[]
  /** Dialogs that opened. */
  readonly dialogs: readonly string[]
}

/** A browser for the tests of a file. Pages of a test are closed after it. */
export function useBrowser(): (options?: BrowserContextOptions) => Promise<Watched> {
  let browser: Browser
  const open: BrowserContext[] = []
  beforeAll(async () => {
    const executablePath = inject('chromium')
    if (executablePath !== null) {
      browser = await chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
      })
    }
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((context) => context.close()))
  })
  afterAll(() => browser?.close())
  return async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    context.setDefaultTimeout(SOON.timeout)
    open.push(context)
    const page = await context.newPage()
    const [complaints, dialogs]: [string[], string[]] = [[], []]
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      const isAnswer = message.text().startsWith('Failed to load resource')
      if ((message.type() === 'error' || message.type() === 'warning') && !isAnswer)
        complaints.push(message.text())
    })
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    return { page, context, complaints, dialogs }
  }
}
