import type { Sluice } from '@sluice/core'

/** Whether an app is about to stop: it is to be sent no requests any more. */
export interface DrainState {
  isDraining: boolean
}

const states = new WeakMap<Sluice, DrainState>()

export function drainStateOf(sluice: Sluice): DrainState {
  let state = states.get(sluice)
  if (state === undefined) {
    state = { isDraining: false }
    states.set(sluice, state)
  }
  return state
}
