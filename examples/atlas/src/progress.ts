import { Presets, SingleBar } from 'cli-progress'

/** Shows how far a long task is. Speaks on stderr: stdout is for results. */
export interface Progress {
  start(label: string, total: number): void
  advance(steps: number): void
  /** Ends the started task; `line` describes the result. */
  finish(line: string): void
}

const SHOW_AFTER_MS = 500

/** On a terminal a bar for tasks that take longer than half a second; elsewhere plain lines. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? new BarProgress(stream) : new LineProgress(stream)
}

/** For tests and for callers that show nothing. */
export const silentProgress: Progress = { start() {}, advance() {}, finish() {} }

class LineProgress implements Progress {
  readonly #stream: NodeJS.WritableStream

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
  }

  start(label: string): void {
    this.#stream.write(`${label} …\n`)
  }

  advance(): void {}

  finish(line: string): void {
    this.#stream.write(`${line}\n`)
  }
}

class BarProgress implements Progress {
  readonly #stream: NodeJS.WriteStream
  #bar: SingleBar | undefined
  #label = ''
  #total = 0
  #done = 0
  #startedAt = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  start(label: string, total: number): void {
    this.#label = label
    this.#total = total
    this.#done = 0
    this.#startedAt = performance.now()
  }

  advance(steps: number): void {
    this.#done += steps
    if (this.#bar === undefined && performance.now() - this.#startedAt > SHOW_AFTER_MS)
      this.#bar = this.#show()
    this.#bar?.update(this.#done)
  }

  finish(line: string): void {
    this.#bar?.stop()
    this.#bar = undefined
    this.#stream.write(`${line}\n`)
  }

  #show(): SingleBar {
    const format = `${this.#label} {bar} {percentage}% {value}/{total}`
    const bar = new SingleBar(
      { format, stream: this.#stream, clearOnComplete: true, hideCursor: true },
      Presets.shades_classic,
    )
    bar.start(this.#total, this.#done)
    return bar
  }
}
