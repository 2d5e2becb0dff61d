import { EventEmitter } from 'node:events'
import { LateConnection } from './late-connection.ts'
import {
  type Callback,
  type Mysql2Form,
  type Mysql2Object,
  readMysql2Call,
  send,
  withoutCallback,
} from './mysql2-call.ts'

type Name = 'query' | 'execute'
type Method = (...args: unknown[]) => unknown

/**
 * A connection of `mysql2` that is taken with the first statement that is not certainly a read, and kept.
 * Until then, its reads are those of the pool. For an ORM that takes a connection for each query: the session
 * of such a connection is not yet anyone's.
 */
export class Mysql2LazyConnection {
  readonly #late: LateConnection<object>

  constructor(
    /** Returns the pool in one of its forms. */
    private readonly poolOf: (form: Mysql2Form) => Mysql2Object,
    take: () => Promise<object>,
    private readonly releaseTaken: (connection: object) => void,
    /** Whether a statement certainly only reads. */
    private readonly onlyReads: (sql: string) => boolean,
  ) {
    this.#late = new LateConnection(take)
  }

  /** The connection itself, for a caller that asks for it. */
  bind(): Promise<object> {
    return this.#late.need()
  }

  query(...args: unknown[]): unknown {
    return this.#called('query', args)
  }

  execute(...args: unknown[]): unknown {
    return this.#called('execute', args)
  }

  /** The same connection with promises, whose errors are others. */
  promise(): Readonly<Record<Name, Method>> {
    return {
      query: (...args) => this.#send('promises', 'query', args),
      execute: (...args) => this.#send('promises', 'execute', args),
    }
  }

  release(): void {
    this.#late.release(this.releaseTaken)
  }

  /** ORMs use no event of the command but its callback. */
  #called(name: Name, args: readonly unknown[]): EventEmitter {
    const [own, callback = () => {}] = withoutCallback(args)
    this.#send('callbacks', name, own).then(
      (results) => process.nextTick(callback, null, ...(results as readonly unknown[])),
      (error: unknown) => process.nextTick(callback as Callback, error),
    )
    return new EventEmitter()
  }

  #send(form: Mysql2Form, name: Name, args: readonly unknown[]): Promise<unknown> {
    const call = readMysql2Call(name, args)
    if (!this.#late.isNeeded && call !== undefined && this.onlyReads(call.sql)) {
      const read = send(this.poolOf(form), form, name, args)
      this.#late.follow(read)
      return read
    }
    return this.bind().then((connection) => {
      const taken = connection as Mysql2Object
      const target = form === 'promises' ? (taken.promise as Method).call(taken) : taken
      return send(target as Mysql2Object, form, name, args)
    })
  }
}
