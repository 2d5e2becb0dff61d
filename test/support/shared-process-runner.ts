import { type RunnerTestFile, TestRunner, vi } from 'vitest'
import { openSluices } from '../../packages/core/src/sluice/sluice.ts'

const timers = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, Date }

/** Ends what a test file leaves behind in a process that other files use after it. */
export default class SharedProcessRunner extends TestRunner {
  #forget: (() => unknown) | undefined
  #file = ''

  override onCollectStart(file: RunnerTestFile): void {
    super.onCollectStart(file)
    this.#file = file.filepath
  }

  override onCleanupWorkerContext(listener: () => unknown): void {
    this.#forget = listener
  }

  /** @throws Error if a timer is still replaced, which would never fire in the next file. */
  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles()
    // Vitest 4 keeps the fixtures of all tests that a process ran, and visits all of them after each file:
    // with 400 files in one process, this took minutes and 4 GB.
    await this.#forget?.()
    // Each storage of an open Sluice makes all promises of the process slower.
    for (const sluice of openSluices.list()) void sluice.close().catch(() => {})
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
    for (const [name, timer] of Object.entries(timers))
      if (Reflect.get(globalThis, name) !== timer)
        throw new Error(`${this.#file} replaced ${name} and did not restore it.`)
  }
}
