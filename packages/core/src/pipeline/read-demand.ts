import { AsyncLocalStorage } from 'node:async_hooks'
import type { Operation } from './operation.ts'

/** What is asked of the place that a read goes to. `primary`: that it is the primary. `kept`: that its answer may be given to others later. */
export type ReadDemand = 'primary' | 'kept'

const demands = new AsyncLocalStorage<ReadDemand>()
const kept = new WeakSet<object>()
/** Those who choose places for reads, in this process. As long as there are none, nothing is noted: a storage in use makes each promise dearer. */
let choosers = 0

/** Reads may go to several places from now on; returns the function that ends it. */
export function chooseForReads(): () => void {
  choosers += 1
  let isChoosing = true
  return () => {
    if (isChoosing) choosers -= 1
    isChoosing = false
  }
}

/** Runs a function whose reads go to a place as demanded, and what it awaits. A demand around it stays if it is the stronger one. */
export function demanding<T>(demand: ReadDemand, fn: () => T): T {
  return choosers === 0 || demands.getStore() === 'primary' ? fn() : demands.run(demand, fn)
}

/** What is demanded of the reads that are issued here. */
export function currentDemand(): ReadDemand | undefined {
  return choosers === 0 ? undefined : demands.getStore()
}

/** Notes that an operation's answer may be kept. */
export function willBeKept(operation: Operation<unknown>): void {
  if (choosers > 0) kept.add(operation)
}

/** Whether an operation's answer may be kept. */
export function mayBeKept(operation: object): boolean {
  return choosers > 0 && kept.has(operation)
}
