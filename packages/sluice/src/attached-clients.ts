/** What Sluice was attached to in this process. */
export const attachedClients: Set<string> = new Set()
