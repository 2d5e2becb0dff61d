/**
 * Connects the processes of one app, so that each can query the others: a dashboard shows all of them this
 * way. Every process that can reach the link can query it.
 */
export interface ProcessLink {
  /**
   * Makes this process one that the others find. Called once.
   *
   * @param process - Its id: letters and digits, unlike any other's.
   * @param answer - Answers what another process asks. It never rejects.
   */
  open(process: string, answer: (question: string) => Promise<string>): Promise<void>
  /** The known ids of the other processes. A process that has just ended can be among them. */
  others(): Promise<readonly string[]>
  /**
   * Queries a process.
   *
   * @throws If the process is gone, its link fails, or `signal` is aborted before it responds.
   */
  request(process: string, question: string, signal: AbortSignal): Promise<string>
  /** The others find it no more. A second call does nothing. */
  close(): Promise<void>
}
