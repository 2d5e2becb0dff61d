/**
 * Waits two microtasks, until V8 knows the code that awaits an ORM's query builder. Before that, a stack
 * contains no frame of the user. For ORMs whose calls are thenables. With other ORMs, the stack is complete
 * immediately.
 */
export async function afterCaller(): Promise<void> {
  await undefined
}

/**
 * The queries of one client that run when they are awaited. Each waits for its caller only if the stack may
 * be needed: waiting costs several promises. While one waits, later ones do, too, so that they stay in order.
 */
export class CallerWaits {
  #waiting = 0

  /** @param isNeeded - Whether the stack of a statement may be needed. */
  constructor(private readonly isNeeded: (sql: string) => boolean) {}

  send<T>(sql: string, send: () => Promise<T>): Promise<T> {
    if (this.#waiting === 0 && !this.isNeeded(sql)) return send()
    this.#waiting += 1
    return afterCaller().then(() => {
      this.#waiting -= 1
      return send()
    })
  }
}
