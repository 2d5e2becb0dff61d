import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { TestModules } from './patches/jest.ts'

interface JestGlobals {
  readonly expect: { getState(): { readonly currentTestName?: string; readonly testPath?: string } }
  readonly beforeEach: (hook: () => void) => void
  readonly afterEach: (hook: () => void) => void
  readonly afterAll: (hook: () => void) => void
}

type Realm = typeof globalThis & Record<symbol, unknown>

/** The realm of Jest itself: one Sluice, with real timers, for all test files of a process. */
const outside = runInThisContext('globalThis') as Realm

const requireOutside = outside.process.getBuiltinModule('node:module').createRequire(import.meta.url)
requireOutside('sluice/register')

const setTest = outside[Symbol.for('sluice.testListener')] as ((name: string) => void) | undefined
// Absent if Sluice is off.
if (setTest !== undefined) {
  const requireInside = createRequire(import.meta.url)
  const { expect, beforeEach, afterEach, afterAll } = requireInside('@jest/globals') as JestGlobals
  const modules: TestModules = {
    cache: requireInside.cache,
    resolve: (request, from) => createRequire(from).resolve(request),
  }
  Object.assign(globalThis, { [Symbol.for('sluice.testModules')]: modules })

  const file = `test ${basename(expect.getState().testPath ?? 'setup')}`
  setTest(file)
  beforeEach(() => {
    const { currentTestName } = expect.getState()
    setTest(currentTestName === undefined ? file : `${file} > ${currentTestName}`)
  })
  afterEach(() => setTest(file))
  afterAll(() => setTest(file))
}
