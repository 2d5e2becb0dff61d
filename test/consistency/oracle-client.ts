import type { Answers, FromWorker, Question, ToWorker, Version } from './messages.ts'
import type { ReadSeen, Turn } from './oracle.ts'

/** A worker's way to the oracle, which lives in the process that started it. */
export class OracleClient {
  readonly #pending = new Map<number, (answer: never) => void>()
  #number = 0
  #reads: ReadSeen[] = []
  #nextTurn: Promise<Turn> | undefined
  #isAsking = false

  send(message: FromWorker): void {
    process.send?.(message)
  }

  onMessage(message: ToWorker): void {
    if (message.type !== 'answer') return
    const settle = this.#pending.get(message.number)
    this.#pending.delete(message.number)
    settle?.(message.answer as never)
  }

  /** A turn that is given out after the call. Reads that begin while one is under way share the next one. */
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

  acknowledged(versions: readonly Version[]): void {
    this.send({ type: 'acknowledged', versions })
  }

  /** Reads are sent together at the end of a turn of the event loop. */
  seen(read: ReadSeen): void {
    if (this.#reads.push(read) > 1) return
    setImmediate(() => {
      const reads = this.#reads
      this.#reads = []
      this.send({ type: 'reads', reads })
    })
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
