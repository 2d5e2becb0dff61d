import type { PluginState } from './plugin-state.ts'

export interface Instrumentation {
  /** The class that the client had before. */
  readonly base: object
  readonly state: PluginState
}

/** What `withSluice` made of clients. */
export const instrumentations: WeakMap<object, Instrumentation> = new WeakMap()
