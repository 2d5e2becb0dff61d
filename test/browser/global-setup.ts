import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findChromium } from './find-chromium.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of a Chromium; `null`: there is none, and tests in a browser are skipped. */
    chromium: string | null
  }
}

const dashboard = join(import.meta.dirname, '../../packages/dashboard')

/** Vitest's global set-up of the tests in a browser: finds one, and builds the page where it is not there or older than its sources. */
export default function setup(project: TestProject): void {
  const chromium = findChromium()
  if (chromium === undefined) {
    const how = 'set SLUICE_TEST_CHROMIUM, or install chromium'
    if (process.env.CI === 'true') throw new Error(`There is no Chromium to test the dashboard in: ${how}.`)
    console.warn(`Tests in a browser are skipped: there is no Chromium (${how}).`)
  }
  project.provide('chromium', chromium ?? null)
  if (chromium !== undefined && isStale()) buildPage()
}

/** In a process of its own: as it is built for a release, and not for tests. */
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
    readdirSync(join(dashboard, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(dashboard, folder, file)),
  )
  return sources.some((file) => statSync(file).mtimeMs > builtAt)
}
