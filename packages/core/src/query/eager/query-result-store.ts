/** Where results that the app hands over are kept. */
export interface QueryResultStore {
  /** `null` when there is none, or its time is over. */
  get(query: string): readonly unknown[] | null
  /** @param ttl - Seconds; left out, the store's default. */
  set(query: string, rows: readonly unknown[], ttl: number | undefined): void
}
