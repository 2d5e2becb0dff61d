import { errorMonitor } from 'node:events'
import type { Stack } from '../../pipeline/execution-group.ts'
import type { AdapterClient } from '../attach-client.ts'
import { isSending, sending } from '../sending.ts'
import { type Callback, type Mysql2Answer, type Mysql2Call, send } from './mysql2-call.ts'
import { Mysql2Command, type Mysql2Place } from './mysql2-command.ts'
import { beginStream } from './pool.ts'

type AnswerTo = (place: Mysql2Place, call: Mysql2Call) => Promise<Mysql2Answer>

/** Sends the calls of a client of `mysql2` or `mysql`, and returns what the driver returns. */
export class Mysql2Statements {
  constructor(
    private readonly client: AdapterClient,
    /** Default: sends each call as a statement. */
    private readonly answerTo: AnswerTo = (place, call) => this.statement(place, call),
  ) {}

  run(place: Mysql2Place, call: Mysql2Call): unknown {
    const { target, form } = place
    const { callback, method, args } = call
    if (isSending())
      return (target[method] as Callback)(...args, ...(callback === undefined ? [] : [callback]))
    if (form === 'callbacks')
      return callback === undefined ? this.#stream(place, call) : this.#called(place, call, callback)
    // `mysql2` rejects a callback.
    return callback === undefined
      ? this.answerTo(place, call)
      : (target[method] as Callback)(...args, callback)
  }

  statement(place: Mysql2Place, call: Mysql2Call, stack?: () => Stack): Promise<Mysql2Answer> {
    const { target, form, connection, owner = target } = place
    return this.client.statement<Mysql2Answer>(connection ?? {}, {
      sql: call.sql,
      params: call.params ?? [],
      send: () => call.send?.() ?? (send(target, form, call.method, call.args) as Promise<Mysql2Answer>),
      rows: ([rows]) => (Array.isArray(rows) ? rows.length : 0),
      rollBack: () => send(owner, form, 'query', ['ROLLBACK']),
      // Reads of a connection with a transaction never go through the pipeline.
      isKnown: connection !== undefined,
      // Only statements of reads come with a stack.
      ...(stack !== undefined && { stack, isRouted: true }),
    })
  }

  #called(place: Mysql2Place, call: Mysql2Call, callback: Callback): unknown {
    const command = new Mysql2Command(place, call)
    const answered = this.answerTo(place, { ...call, send: () => command.send() })
    const { thrown, returned } = command
    answered.then(
      (results) => command.answer(callback, null, results),
      (error: unknown) => {
        if (thrown === undefined) command.answer(callback, error, [])
      },
    )
    if (thrown !== undefined) throw thrown.error
    return returned
  }

  /** A query whose rows the caller receives as events. */
  #stream(place: Mysql2Place, { method, sql, params = [], args }: Mysql2Call): unknown {
    const { target, connection } = place
    if (connection === undefined) this.client.order.dispatch()
    const begin = (over: (error?: unknown) => void) => {
      const command = (target[method] as Callback)(...args) as NodeJS.EventEmitter | undefined
      command?.once('end', () => over()).once(errorMonitor, over)
      return command
    }
    if (connection !== undefined && this.client.plans.of(sql).analyzed.statement.transaction !== undefined)
      return this.#control(place, sql, begin)
    const kind = { name: 'stream', instead: 'a promise or a callback' }
    const over = beginStream(this.client, connection ?? {}, { sql, params }, kind)
    try {
      return sending({ send: () => begin(over) })
    } catch (error) {
      over(error)
      throw error
    }
  }

  /** BEGIN, COMMIT or the like without a callback. */
  #control(place: Mysql2Place, sql: string, begin: (over: (error?: unknown) => void) => unknown): unknown {
    let command: unknown
    const call: Mysql2Call = {
      method: 'query',
      sql,
      params: [],
      args: [],
      options: {},
      callback: undefined,
      send: () =>
        new Promise((resolve, reject) => {
          command = begin((error) => (error === undefined ? resolve([undefined, undefined]) : reject(error)))
        }),
    }
    this.statement(place, call).catch(() => {})
    return command
  }
}
