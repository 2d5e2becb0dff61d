import { emitKeypressEvents } from 'node:readline'
import type { Key } from './top-state.ts'

/** A terminal whose whole screen is used. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  write(text: string): void
  /** Takes the screen, and keys one by one. */
  enter(): void
  /** Gives it back as it was. A second call does nothing. */
  leave(): void
  /** Stops this process as Ctrl-Z does, and returns when it goes on. */
  suspend(): Promise<void>
  onKey(listener: (key: Key) => void): () => void
  onResize(listener: () => void): () => void
}

/** The alternate screen, without a cursor, and lines that do not wrap. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l'

/**
 * The terminal of this process. However the process ends, but for SIGKILL, the screen is given back: signals end it by `process.exit`, and so do errors.
 */
export function processTerminal(input: NodeJS.ReadStream = process.stdin, output: NodeJS.WriteStream = process.stdout): Terminal {
  let isEntered = false
  const terminal: Terminal = {
    get columns() {
      return output.columns || 80
    },
    get rows() {
      return output.rows || 24
    },
    write: (text) => void output.write(text),
    enter() {
      if (isEntered) return
      isEntered = true
      process.on('exit', terminal.leave)
      emitKeypressEvents(input)
      input.setRawMode(true)
      input.resume()
      output.write(ENTER)
    },
    leave() {
      if (!isEntered) return
      isEntered = false
      process.off('exit', terminal.leave)
      output.write(LEAVE)
      input.setRawMode(false)
      input.pause()
    },
    suspend() {
      terminal.leave()
      return new Promise((resolve) => {
        process.once('SIGCONT', () => {
          terminal.enter()
          resolve()
        })
        process.kill(process.pid, 'SIGTSTP')
      })
    },
    onKey(listener) {
      const onKeypress = (_text: string | undefined, key: Key) => listener(key)
      input.on('keypress', onKeypress)
      return () => void input.off('keypress', onKeypress)
    },
    onResize(listener) {
      output.on('resize', listener)
      return () => void output.off('resize', listener)
    },
  }
  return terminal
}

/** Writes lines to a screen: those alone that are not there already. */
export class Screen {
  #lines: readonly string[] = []

  constructor(private readonly terminal: Pick<Terminal, 'write'>) {}

  /** All that is there is not known any more: after a resize. */
  forget(): void {
    this.#lines = []
    this.terminal.write('\u001b[2J')
  }

  draw(lines: readonly string[]): void {
    // Emptied before: after a line of full width, that would take its last character.
    const changed = lines.flatMap((line, at) => (line === this.#lines[at] ? [] : [`\u001b[${at + 1};1H\u001b[2K${line}\u001b[0m`]))
    this.#lines = lines
    if (changed.length > 0) this.terminal.write(changed.join(''))
  }
}
