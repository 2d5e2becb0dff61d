/** What Sluice was attached to in this process. */
export const attachedClients: Set<string> = new Set()

/** The ORMs with an adapter of Sluice, attached or of the app itself. */
export const adaptedOrms: Set<string> = new Set()

/** The HTTP servers of this process: whether one listens, or did, and whether GraphQL was loaded. */
export const server: { isListening: boolean; executesGraphql: boolean } = {
  isListening: false,
  executesGraphql: false,
}

interface CurrentTest {
  /** Of the test or the file to which statements outside of requests belong. */
  name: string | undefined
  /** Whether the file has loaded a separate copy of the core. Only Jest. */
  hasOwnCore: boolean
  /** Detach clients when the file ends, which Jest discards with its classes. `undefined` elsewhere. */
  detachments: (() => void)[] | undefined
}

/** The test that a test runner runs. */
export const currentTest: CurrentTest = { name: undefined, hasOwnCore: false, detachments: undefined }

/**
 * Whether a module of a client was loaded: the first request must have a scope before its first statement.
 */
export const clients: { areLoaded: boolean } = { areLoaded: false }
