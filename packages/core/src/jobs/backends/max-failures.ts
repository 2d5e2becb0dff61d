/** Failures of a task that are kept; of more, the oldest go. */
export const MAX_FAILURES = 10
