import { setTimeout as after } from 'node:timers/promises'
import pg from 'pg'
import type { OwnFault } from './messages.ts'

type Query = (this: pg.Client, ...args: unknown[]) => unknown

/** The parts of a client of `pg` that are not in its types. */
interface Internals {
  readonly processID: number
  readonly connection: {
    readonly stream: { destroy(): void }
    prependOnceListener(event: 'readyForQuery', listener: () => void): void
  }
}

const BEGINS = /^\s*(begin|start)\b/i
const ENDS = /^\s*(commit|rollback|end)\b/i
const COMMITS = /^\s*commit\b/i
const WRITES = /^\s*(insert|update|delete)\b/i

/** Makes the next commit of this process fail, below the ORMs and the layers between them and the driver. */
export class OwnFaults {
  readonly #databaseUrl: string
  readonly #inTransaction = new WeakSet<pg.Client>()
  readonly #spared = new WeakSet<pg.Client>()
  #armed: OwnFault | undefined
  #killer: pg.Client | undefined

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl
  }

  async install(): Promise<void> {
    this.#killer = new pg.Client({ connectionString: this.#databaseUrl })
    this.#killer.on('error', () => {})
    this.#spared.add(this.#killer)
    await this.#killer.connect()
    const original = pg.Client.prototype.query as unknown as Query
    const patched = this
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      return patched.#query(this, args, () => original.apply(this, args))
    } as unknown as typeof pg.Client.prototype.query
  }

  arm(fault: OwnFault): void {
    this.#armed = fault
  }

  #query(client: pg.Client, [query]: readonly unknown[], send: () => unknown): unknown {
    const text =
      typeof query === 'string' ? query : ((query as { readonly text?: string } | undefined)?.text ?? '')
    const isCommit = COMMITS.test(text) || (WRITES.test(text) && !this.#inTransaction.has(client))
    if (BEGINS.test(text)) this.#inTransaction.add(client)
    if (ENDS.test(text)) this.#inTransaction.delete(client)
    const fault = this.#armed
    if (fault === undefined || !isCommit || this.#spared.has(client)) return send()
    this.#armed = undefined
    const { processID, connection } = client as unknown as Internals
    switch (fault) {
      case 'stop-before-commit':
        process.kill(process.pid, 'SIGSTOP')
        return send()
      case 'die-after-commit':
        connection.prependOnceListener('readyForQuery', () => process.kill(process.pid, 'SIGKILL'))
        return send()
      case 'end-backend-in-commit':
        this.#killer?.query('SELECT pg_terminate_backend($1)', [processID]).catch(() => {})
        return send()
      case 'drop-connection-in-commit': {
        const result = send()
        after(Math.random() < 0.5 ? 0 : 1).then(() => connection.stream.destroy())
        return result
      }
    }
  }
}
