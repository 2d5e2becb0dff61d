/**
 * Joins processes of one app, so that each can ask the others: a dashboard shows them all by it. Whoever can reach the link can ask, and is answered.
 */
export interface ProcessLink {
  /**
   * Makes this process one that the others find. Called once.
   *
   * @param process - Its id: letters and digits, unlike any other's.
   * @param answer - Answers what another process asks. It never rejects.
   */
  open(process: string, answer: (question: string) => Promise<string>): Promise<void>
  /** The ids of the others that are there, as far as is known: one that has just ended may be among them. */
  others(): Promise<readonly string[]>
  /**
   * Asks one of them.
   *
   * @throws Where it is gone, its link fails, or `signal` is aborted before it has answered.
   */
  ask(process: string, question: string, signal: AbortSignal): Promise<string>
  /** The others find it no more. A second call does nothing. */
  close(): Promise<void>
}
