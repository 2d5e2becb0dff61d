interface Question {
  readonly id: number
  readonly what: string
  readonly args: readonly never[]
}

type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>

/** Runs in a process that `FlowProcess` started: replies to commands, and closes on disconnect. */
export function serveFlow(ready: unknown, handlers: Handlers, close: () => Promise<unknown>): void {
  process.on('message', async ({ id, what, args }: Question) => {
    try {
      process.send?.({ id, value: await handlers[what]?.(...args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.once('disconnect', () => void close().then(() => process.exit(0)))
  process.send?.({ ready })
}

/** The plan that the process was started with. */
export function flowPlan<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
