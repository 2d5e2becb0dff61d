import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import type { ScopeHandle, Sluice } from '@sluice/core'
import { type Ambient, hostOf } from '@sluice/core/siblings'
import { guarded } from '../guarded.ts'
import { server } from '../process-state.ts'
import { registeredSluice } from '../registered-sluice.ts'

/** A request or a job that is being handled. */
export interface Work {
  /** `undefined` for a job. */
  readonly request?: IncomingMessage
  readonly isOver: boolean
  /** Opens its scope for a Sluice. */
  open(sluice: Sluice): ScopeHandle
}

/** Calls the handlers of work inside its scopes. */
export type EnterWork = <T>(handle: () => T) => T

/** Work, and its scopes for the Sluices of the app. */
interface CurrentWork {
  readonly work: Work
  readonly ambients: Map<Sluice, Ambient | undefined>
}

const works = new AsyncLocalStorage<CurrentWork>()
/** Whether the app has created a Sluice. */
let hasOthers = false

/** Opens the scope of work for the Sluice of this process. */
export function openWork(work: Work): EnterWork {
  const scope = work.open(registeredSluice())
  if (!hasOthers && !server.executesGraphql) return (handle) => scope.enter(handle)
  return (handle) => works.run({ work, ambients: new Map() }, () => scope.enter(handle))
}

/** The app has created a Sluice, which has scopes where the app opens none. */
export function scopeWorkOfOthers(): void {
  hasOthers = true
}

/**
 * Returns the ambient of a statement that the app sends through its own Sluice: that of the current work,
 * which has no scope of this Sluice yet. `undefined` outside of requests and jobs.
 */
export function workAmbient(sluice: Sluice): Ambient | undefined {
  const current = works.getStore()
  if (current === undefined) return undefined
  const { work, ambients } = current
  if (!ambients.has(sluice)) {
    // To open a scope, the storage asks for the current one.
    ambients.set(sluice, undefined)
    if (!work.isOver)
      guarded('the Sluice of the app', () => {
        const scope = work.open(sluice)
        ambients.set(
          sluice,
          scope.enter(() => hostOf(sluice).scopes.ambient),
        )
      })
  }
  return ambients.get(sluice)
}

export function currentRequest(): IncomingMessage | undefined {
  return works.getStore()?.work.request
}
