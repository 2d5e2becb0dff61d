import type { Terminal } from '../../src/top/terminal.ts'
import type { Key } from '../../src/top/top-state.ts'

/** A terminal that records its output. */
export class FakeTerminal implements Terminal {
  isEntered = false
  entered = 0
  left = 0
  resume: (() => void) | undefined
  /** The complete output, with color codes. */
  raw = ''
  readonly #keys = new Set<(key: Key) => void>()
  readonly #resizes = new Set<() => void>()
  #lines: string[] = []

  constructor(
    public columns = 100,
    public rows = 24,
  ) {}

  /** The screen without color codes. */
  get text(): string {
    return this.#lines.join('\n')
  }

  get listeners(): number {
    return this.#keys.size + this.#resizes.size
  }

  write(text: string): void {
    if (!this.isEntered) throw new Error('It writes to a screen that is not its own.')
    this.raw += text
    const esc = '\u001b'
    for (const part of text.split(new RegExp(`(?=${esc}\\[\\d+;1H)|(?=${esc}\\[2J)`))) {
      const row = new RegExp(`^${esc}\\[(\\d+);1H`).exec(part)?.[1]
      if (part.startsWith(`${esc}[2J`)) this.#lines = []
      if (row !== undefined)
        this.#lines[Number(row) - 1] = part.replaceAll(new RegExp(`${esc}\\[[\\d;]*[A-Za-z]`, 'g'), '')
    }
  }

  enter(): void {
    this.isEntered = true
    this.entered += 1
  }

  leave(): void {
    if (this.isEntered) this.left += 1
    this.isEntered = false
  }

  suspend(): Promise<void> {
    this.leave()
    return new Promise((resolve) => {
      this.resume = () => {
        this.enter()
        resolve()
      }
    })
  }

  onKey(listener: (key: Key) => void): () => void {
    this.#keys.add(listener)
    return () => void this.#keys.delete(listener)
  }

  onResize(listener: () => void): () => void {
    this.#resizes.add(listener)
    return () => void this.#resizes.delete(listener)
  }

  press(...keys: readonly (string | Key)[]): void {
    for (const key of keys) {
      const pressed =
        typeof key === 'string'
          ? { sequence: key, ...(/^[a-z]$/i.test(key) ? { name: key.toLowerCase() } : {}) }
          : key
      for (const listener of [...this.#keys]) listener(pressed)
    }
  }

  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    for (const listener of this.#resizes) listener()
  }
}
