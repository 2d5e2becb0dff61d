import {
  type Callback,
  type Mysql2Answer,
  type Mysql2Call,
  type Mysql2Form,
  type Mysql2Object,
  send,
} from './mysql2-call.ts'

/** Where a call of `query` or `execute` is sent. */
export interface Mysql2Place {
  readonly target: Mysql2Object
  readonly form: Mysql2Form
  /** The connection whose session the call uses; `undefined`: any connection of the pool. */
  readonly connection: object | undefined
  /** The object that runs other statements in the same session. Default: the target. */
  readonly owner?: Mysql2Object
}

/** A call with a callback. The app uses the command that the driver returns, also before the call is sent. */
export class Mysql2Command {
  /** The value that the driver returns. */
  returned: unknown
  /** The error that the driver throws. */
  thrown: { readonly error: unknown } | undefined
  /** Sends the command of a pool; `undefined`: the driver sends a call before it returns the command. */
  #take: Callback | undefined
  #isSent = false
  #settle: Callback = () => {}
  /** How the driver calls the callback. */
  #results: { readonly receiver: unknown; readonly args: readonly unknown[] } | undefined

  constructor(
    private readonly place: Mysql2Place,
    private readonly call: Pick<Mysql2Call, 'method' | 'args'>,
  ) {
    // `execute` of a pool returns nothing.
    if (place.connection !== undefined || call.method === 'execute') return
    const getConnection = (take: Callback) => {
      this.#take = take
    }
    this.#begin(Object.create(place.target, { getConnection: { value: getConnection } }))
  }

  send(): Promise<Mysql2Answer> {
    const { target, form } = this.place
    const { method, args } = this.call
    if (this.#isSent) return send(target, form, method, args) as Promise<Mysql2Answer>
    this.#isSent = true
    return new Promise((resolve, reject) => {
      this.#settle = (error, ...results) => (error ? reject(error) : resolve(results as never))
      try {
        if (this.#take === undefined) this.#begin(target)
        else (target.getConnection as Callback)(this.#take)
      } catch (error) {
        this.thrown = { error }
        reject(error)
      }
    })
  }

  /** Calls the callback as the driver would. */
  answer(callback: Callback, error: unknown, results: readonly unknown[]): void {
    if (!this.#isSent) this.#emitEnd(results)
    const { receiver, args } = this.#results ?? { receiver: undefined, args: [] }
    const isOwn = error ? args[0] === error : !args[0] && args.length > 0 && args[1] === results[0]
    process.nextTick(() => callback.apply(receiver, isOwn ? [...args] : [error, ...results]))
  }

  #begin(target: Mysql2Object): void {
    const record = (receiver: unknown, args: readonly unknown[]) => {
      this.#results ??= { receiver, args }
      this.#settle(...args)
    }
    this.returned = (target[this.call.method] as Callback).call(
      target,
      ...this.call.args,
      function (this: unknown, ...args: unknown[]) {
        record(this, args)
      },
    )
  }

  /** A pool did not send its command. */
  #emitEnd([, fields]: readonly unknown[]): void {
    const command = this.returned as NodeJS.EventEmitter | undefined
    if (fields !== undefined) command?.emit('fields', fields)
    command?.emit('end')
  }
}
