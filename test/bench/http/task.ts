/** The requests of a client. */
export interface Task {
  readonly requests: number
  /** `$` is replaced with a number that no other request has. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** The required status of each response, so that nothing else is measured. */
  readonly status: number
  /** A string that the head of each response must contain. */
  readonly says?: string | undefined
}
