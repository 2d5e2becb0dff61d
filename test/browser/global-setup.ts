import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findChromium } from './find-chromium.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** WebSocket URL of a Chromium; `null` if there is none, so that tests in a browser are skipped. */
    chromium: string | null
  }
}

const dashboard = join(import.meta.dirname, '../../packages/dashboard')

/** Global setup of the browser tests: finds a Chromium, and builds the page if it is missing or outdated. */
export default function setup(project: TestProject): void {
  const chromium = findChromium()
  if (chromium === undefined) {
    const how = 'set SLUICE_TEST_CHROMIUM, or install chromium'
    if (process.env.CI === 'true')
      throw new Error(`No Chromium found for the tests of the dashboard: ${how}.`)
    console.warn(`Tests in a browser are skipped: there is no Chromium (${how}).`)
  }
  project.provide('chromium', chromium ?? null)
  if (chromium !== undefined && isStale()) buildPage()
}

/** Builds in a separate process, as for a release. */
function buildPage(): void {
  const vite = join(dashboard, '../../node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--config', join(dashboard, 'page/vite.config.ts'), '--logLevel', 'warn']
  execFileSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } })
}

function isStale(): boolean {
  const built = join(dashboard, 'dist/page/index.html')
  if (!existsSync(built)) return true
  const builtAt = statSync(built).mtimeMs
  const sources = ['page', 'src/protocol'].flatMap((folder) =>
    readdirSync(join(dashboard, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(dashboard, folder, file),
    ),
  )
  return sources.some((file) => statSync(file).mtimeMs > builtAt)
}
