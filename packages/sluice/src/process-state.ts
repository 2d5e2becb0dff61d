/** What Sluice was attached to in this process. */
export const attachedClients: Set<string> = new Set()

/** The ORMs with an adapter of Sluice, attached or of the app itself. */
export const adaptedOrms: Set<string> = new Set()

/** The HTTP servers of this process: whether one listens, or did, and whether GraphQL was loaded. */
export const server: { isListening: boolean; executesGraphql: boolean } = {
  isListening: false,
  executesGraphql: false,
}

/** The test or the file that a test runner runs, to which statements outside of requests belong. */
export const currentTest: { name: string | undefined } = { name: undefined }

/**
 * Whether a module of a client was loaded: the first request must have a scope before its first statement.
 */
export const clients: { areLoaded: boolean } = { areLoaded: false }
