import type { Answers, FromWorker, Question, ToWorker, Version } from './messages.ts'
import type { Turn } from './oracle.ts'

/** A worker's connection to the oracle, which runs in the process that started it. */
export class OracleClient {
  readonly #pending = new Map<number, (answer: never) => void>()
  #number = 0
  #outbox: FromWorker[] = []
  #nextTurn: Promise<Turn> | undefined
  #isAsking = false

  /** Messages are sent together at the end of an event-loop tick. */
  send(message: FromWorker): void {
    if (this.#outbox.push(message) > 1) return
    setImmediate(() => this.#flush())
  }

  onMessage(message: ToWorker): void {
    if (message.type !== 'answer') return
    const settle = this.#pending.get(message.number)
    this.#pending.delete(message.number)
    settle?.(message.answer as never)
  }

  /**
   * A turn that is issued after the call. Reads that begin while a request is in flight share the next one.
   */
  turn(): Promise<Turn> {
    if (this.#nextTurn !== undefined) return this.#nextTurn
    if (!this.#isAsking) return this.#askTurn()
    this.#nextTurn = new Promise((resolve) => {
      this.#whenAsked = () => {
        this.#nextTurn = undefined
        this.#whenAsked = undefined
        this.#askTurn().then(resolve)
      }
    })
    return this.#nextTurn
  }
  #whenAsked: (() => void) | undefined

  lock(rows: readonly string[]): Promise<number> {
    return this.#ask({ ask: 'lock', rows })
  }

  attempt(row: string, isAbsence: boolean): Promise<number> {
    return this.#ask({ ask: 'attempt', row, isAbsence })
  }

  /** Sent immediately: the earlier the oracle knows, the more it detects. */
  acknowledged(versions: readonly Version[]): void {
    this.send({ type: 'acknowledged', versions })
    this.#flush()
  }

  #flush(): void {
    const messages = this.#outbox
    if (messages.length === 0) return
    this.#outbox = []
    process.send?.(messages)
  }

  async #askTurn(): Promise<Turn> {
    this.#isAsking = true
    const turn = await this.#ask({ ask: 'turn' })
    this.#isAsking = false
    this.#whenAsked?.()
    return turn
  }

  #ask<TAsk extends Question['ask']>(question: Extract<Question, { ask: TAsk }>): Promise<Answers[TAsk]> {
    const number = ++this.#number
    return new Promise((resolve) => {
      this.#pending.set(number, resolve)
      this.send({ type: 'question', number, question })
    })
  }
}
