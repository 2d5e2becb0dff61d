/** What a client is to ask. */
export interface Task {
  readonly requests: number
  /** `$` becomes a number that no other request has. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** What each response must have as its status, so that nothing else is measured. */
  readonly status: number
  /** What must stand in the head of each. */
  readonly says?: string | undefined
}
