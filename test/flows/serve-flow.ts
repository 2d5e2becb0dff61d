interface Question {
  readonly id: number
  readonly what: string
  readonly args: readonly never[]
}

type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>

/** In a process that `FlowProcess` started: answers what it is asked, and closes when it is let go. */
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

/** What the process was started with. */
export function flowPlan<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
