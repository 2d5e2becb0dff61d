import type { Connection } from '../../schema/connection.ts'
import { within } from '../../shared/timers.ts'

type Row = Readonly<Record<string, unknown>>

/** Sessions and questions that have not ended, at most: each may hold a connection. */
const MAX_LEFT = 4

/**
 * Asks one short question again and again, on a session that is held for it where there can be one: it waits
 * for no connection that the app uses.
 */
export class HeldSession {
  #session: Promise<Connection> | undefined
  #letGo: (() => void) | undefined
  #left = 0

  constructor(
    private readonly connection: () => Connection | undefined,
    private readonly timeoutMs: number,
  ) {}

  /** @throws The error of the query; an error if there is no response in time. */
  async query(sql: string): Promise<Row | undefined> {
    try {
      const [row] = await within(this.timeoutMs, this.#query(sql))
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

  async #query(sql: string): Promise<readonly Row[]> {
    const connection = this.connection()
    if (connection === undefined) throw new Error('The client was garbage-collected.')
    if (connection.session === undefined) {
      this.#take()
      return connection.query(sql).finally(() => this.#release())
    }
    this.#session ??= this.#open(connection)
    return (await this.#session).query(sql)
  }

  #open(connection: Connection): Promise<Connection> {
    this.#take()
    return new Promise((resolve, reject) => {
      const held = new Promise<void>((letGo) => {
        this.#letGo = letGo
      })
      const work = (session: Connection): Promise<void> => {
        resolve(session)
        return held
      }
      const running =
        connection.session?.(work) ?? Promise.reject(new Error('The connection does not support sessions.'))
      running.finally(() => this.#release()).catch(reject)
    })
  }

  #take(): void {
    if (this.#left >= MAX_LEFT) throw new Error('Too many earlier queries are still in flight.')
    this.#left += 1
  }

  #release(): void {
    this.#left -= 1
  }
}
