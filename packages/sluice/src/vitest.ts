import { basename } from 'node:path'
import 'sluice/register'
import { afterAll, afterEach, beforeEach, expect } from 'vitest'

interface Task {
  readonly name: string
  readonly suite?: Task | undefined
}

/** Absent if Sluice is off. */
const { [Symbol.for('sluice.testListener')]: setTest = () => {} } = globalThis as {
  readonly [key: symbol]: ((name: string) => void) | undefined
}

const file = `test ${basename(expect.getState().testPath ?? 'setup')}`
const running = new Set<Task>()

function nameOf({ name, suite }: Task): string {
  return suite === undefined ? `${file} > ${name}` : `${nameOf(suite)} > ${name}`
}

setTest(file)
beforeEach(({ task }) => {
  running.add(task)
  // Concurrent tests share a scope: a statement does not show which of them sent it.
  setTest(running.size === 1 ? nameOf(task) : file)
})
afterEach(({ task }) => {
  running.delete(task)
  if (running.size === 0) setTest(file)
})
afterAll(() => setTest(file))
