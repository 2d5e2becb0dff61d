import { emitKeypressEvents } from 'node:readline'
import type { Key } from './top-state.ts'

/** A terminal in full-screen mode. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  write(text: string): void
  /** Enters full-screen mode, and reads single keys. */
  enter(): void
  /** Restores the terminal. A second call does nothing. */
  leave(): void
  /** Suspends this process like Ctrl-Z. Resolves when the process continues. */
  suspend(): Promise<void>
  onKey(listener: (key: Key) => void): () => void
  onResize(listener: () => void): () => void
}

/** Alternate screen, hidden cursor, no line wrapping. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l'

/**
 * The terminal of this process. It is restored whenever the process ends, except for SIGKILL, because signals
 * and errors end it with `process.exit`.
 */
export function processTerminal(
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WriteStream = process.stdout,
): Terminal {
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

/** Draws lines on a screen. Writes only changed lines. */
export class Screen {
  #lines: readonly string[] = []

  constructor(private readonly terminal: Pick<Terminal, 'write'>) {}

  /** Clears the screen, whose content is unknown after a resize. */
  forget(): void {
    this.#lines = []
    this.terminal.write('\u001b[2J')
  }

  draw(lines: readonly string[]): void {
    // Clear before writing, because clearing after a full-width line would remove its last character.
    const changed = lines.flatMap((line, at) =>
      line === this.#lines[at] ? [] : [`\u001b[${at + 1};1H\u001b[2K${line}\u001b[0m`],
    )
    this.#lines = lines
    if (changed.length > 0) this.terminal.write(changed.join(''))
  }
}
