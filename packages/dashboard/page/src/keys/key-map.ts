import { type PageName, pages } from '../route/place.ts'

export type KeyCommand =
  | { readonly kind: 'page'; readonly page: PageName }
  | { readonly kind: 'help' | 'filter' | 'next' | 'previous' | 'close' | 'copy-fix' | 'copy-link' | 'pause' }

export interface PressedKey {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  /** The focused element: a text field, a control that uses keys itself, or neither. */
  readonly focus: 'text' | 'control' | 'none'
}

const SINGLE: Readonly<Record<string, KeyCommand['kind'] & string>> = {
  '?': 'help',
  '/': 'filter',
  j: 'next',
  k: 'previous',
  c: 'copy-fix',
  y: 'copy-link',
  ' ': 'pause',
}

/** Maximum time between `g` and the next key. */
const SEQUENCE_MS = 1_500

/** Maps keys to commands. `g` starts a sequence of two keys. The focused element handles Enter. */
export class KeyMap {
  #goAt = Number.NEGATIVE_INFINITY

  /** @param now - Monotonic time in milliseconds. */
  read({ key, ctrlKey, metaKey, altKey, focus }: PressedKey, now: number): KeyCommand | undefined {
    if (ctrlKey || metaKey || altKey) return undefined
    if (key === 'Escape') {
      this.#goAt = Number.NEGATIVE_INFINITY
      return { kind: 'close' }
    }
    if (focus === 'text') return undefined
    if (now - this.#goAt <= SEQUENCE_MS) {
      this.#goAt = Number.NEGATIVE_INFINITY
      const page = pages.find((candidate) => candidate.key === key)
      if (page !== undefined) return { kind: 'page', page: page.name }
    }
    if (key === 'g') {
      this.#goAt = now
      return undefined
    }
    if (key === ' ' && focus === 'control') return undefined
    const kind = Object.hasOwn(SINGLE, key) ? SINGLE[key] : undefined
    return kind === undefined ? undefined : ({ kind } as KeyCommand)
  }
}
