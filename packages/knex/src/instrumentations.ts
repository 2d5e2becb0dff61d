export interface Instrumentation {
  /** The class that the client had before. */
  readonly base: object
  /** What Sluice keeps for it. */
  readonly state: { detach(): void }
}

/** What `withSluice` made of clients. */
export const instrumentations: WeakMap<object, Instrumentation> = new WeakMap()
