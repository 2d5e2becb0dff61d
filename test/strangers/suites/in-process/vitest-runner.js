import { VitestTestRunner } from 'vitest/runners'
import { getFn } from 'vitest/suite'
import { catalogRead, inScope, saveStats } from './sluice.mjs'

/** Each test is a scope, like a request of an app. */
export default class SluiceRunner extends VitestTestRunner {
  async runTask(test) {
    await catalogRead()
    await inScope(() => getFn(test)())
  }

  async onAfterRunFiles() {
    saveStats()
    await super.onAfterRunFiles()
  }
}
