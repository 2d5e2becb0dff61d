import type { Connection } from '../../schema/connection.ts'

type Row = Readonly<Record<string, unknown>>

/** Sessions that were let go and have not ended yet, at most: each may hold a connection. */
const MAX_LEFT = 4

/** Asks one short question again and again, on a session that is held for it where there can be one: it waits for no connection that the app uses. */
export class HeldSession {
  #session: Promise<Connection> | undefined
  #letGo: (() => void) | undefined
  #left = 0

  constructor(
    private readonly connection: () => Connection | undefined,
    private readonly timeoutMs: number,
  ) {}

  /** @throws What the question fails with; an error when there is no answer in time. */
  async ask(sql: string): Promise<Row | undefined> {
    try {
      const [row] = await within(this.timeoutMs, this.#ask(sql))
      return row
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#letGo?.()
    this.#session = undefined
    this.#letGo = undefined
  }

  async #ask(sql: string): Promise<readonly Row[]> {
    const connection = this.connection()
    if (connection === undefined) throw new Error('The client is gone.')
    if (connection.session === undefined) return connection.query(sql)
    this.#session ??= this.#open(connection)
    return (await this.#session).query(sql)
  }

  #open(connection: Connection): Promise<Connection> {
    if (this.#left >= MAX_LEFT) return Promise.reject(new Error('Earlier sessions have not ended yet.'))
    this.#left += 1
    return new Promise((resolve, reject) => {
      const held = new Promise<void>((letGo) => {
        this.#letGo = letGo
      })
      const ended = () => {
        this.#left -= 1
      }
      const work = (session: Connection): Promise<void> => {
        resolve(session)
        return held
      }
      const running = connection.session?.(work) ?? Promise.reject(new Error('There are no sessions.'))
      running.then(ended, (error: unknown) => {
        ended()
        reject(error)
      })
    })
  }
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    const timer = setTimeout(() => {
      // Where the process was held up, the answer may be here already, and is heard in this turn.
      setImmediate(() => {
        if (!isSettled) reject(new Error(`No answer within ${ms} ms.`))
      })
    }, ms)
    timer.unref()
    const settle =
      <TValue>(end: (value: TValue) => void) =>
      (value: TValue) => {
        isSettled = true
        clearTimeout(timer)
        end(value)
      }
    promise.then(settle(resolve), settle(reject))
  })
}
