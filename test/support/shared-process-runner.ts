import { TestRunner } from 'vitest'

/**
 * Forgets the tests of a file when it has ended. Vitest 4 keeps the fixtures of all tests that a process ran,
 * and visits all of them after each file: with 400 files in one process, this took minutes and 4 GB.
 */
export default class SharedProcessRunner extends TestRunner {
  #forget: (() => unknown) | undefined

  override onCleanupWorkerContext(listener: () => unknown): void {
    this.#forget = listener
  }

  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles()
    await this.#forget?.()
  }
}
