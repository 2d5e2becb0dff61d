import type { RouteFigures } from './live-model.ts'

/** A key as `readline` names it. */
export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

/** Effect of a key outside the state. */
export type KeyEffect = 'quit' | 'interrupt' | 'suspend' | 'redraw' | 'none'

/** The choices of the user. */
export class TopState {
  sort: Sort
  isReversed = false
  isPaused = false
  isOpen = false
  isHelping = false
  isTyping = false
  filter = ''
  #selected: string | undefined
  #names: readonly string[] = []
  #from = 0
  #page = 10

  constructor(sort: Sort = 'cost') {
    this.sort = sort
  }

  /** The filtered and sorted routes. */
  shown(routes: readonly RouteFigures[]): readonly RouteFigures[] {
    const shown = sortRoutes(filterRoutes(routes, this.filter), this.sort, this.isReversed)
    this.#names = shown.map(({ name }) => name)
    return shown
  }

  /** The selected route. Default: the first. */
  selectedIn(routes: readonly RouteFigures[]): RouteFigures | undefined {
    return routes.find(({ name }) => name === this.#selected) ?? routes[0]
  }

  /** Index of the first visible route, so that the selected one is visible. */
  scrolledTo(routes: readonly RouteFigures[], room: number): number {
    const at = Math.max(
      0,
      routes.findIndex(({ name }) => name === this.selectedIn(routes)?.name),
    )
    this.#page = room
    this.#from = Math.max(0, Math.min(this.#from, routes.length - room))
    if (at < this.#from) this.#from = at
    if (at >= this.#from + room) this.#from = at - room + 1
    return this.#from
  }

  press(key: Key): KeyEffect {
    const { name, ctrl = false } = key
    if (ctrl && name === 'c') return 'interrupt'
    if (ctrl && name === 'z') return 'suspend'
    if (ctrl && name === 'l') return 'redraw'
    if (this.isTyping) return this.#type(key)
    if (this.isHelping) {
      this.isHelping = false
      return name === 'q' ? 'quit' : 'redraw'
    }
    return this.#command(key)
  }

  #command({ name, sequence, ctrl = false }: Key): KeyEffect {
    switch (name === undefined || (name.length === 1 && !ctrl) ? sequence : name) {
      case 'q':
        return 'quit'
      case 's':
        this.sort = SORTS[(SORTS.indexOf(this.sort) + 1) % SORTS.length] ?? 'cost'
        this.isReversed = false
        break
      case 'S':
        this.isReversed = !this.isReversed
        break
      case 'p':
      case 'space':
      case ' ':
        this.isPaused = !this.isPaused
        break
      case '/':
        this.isTyping = true
        break
      case '?':
      case 'h':
        this.isHelping = true
        break
      case 'return':
      case 'enter':
        this.isOpen = !this.isOpen
        break
      case 'escape':
        if (this.isOpen) this.isOpen = false
        else this.filter = ''
        break
      default:
        return this.#move(
          ctrl && name !== undefined
            ? `ctrl-${name}`
            : name === undefined || name.length === 1
              ? (sequence ?? '')
              : name,
        )
    }
    return 'redraw'
  }

  #move(key: string): KeyEffect {
    const last = this.#names.length - 1
    const at = Math.max(0, this.#names.indexOf(this.#selected ?? ''))
    const to: Readonly<Record<string, number>> = {
      up: at - 1,
      k: at - 1,
      down: at + 1,
      j: at + 1,
      pageup: at - this.#page,
      'ctrl-b': at - this.#page,
      pagedown: at + this.#page,
      'ctrl-f': at + this.#page,
      home: 0,
      g: 0,
      end: last,
      G: last,
    }
    const next = to[key]
    if (next === undefined) return 'none'
    this.#selected = this.#names[Math.max(0, Math.min(last, next))]
    return 'redraw'
  }

  #type({ name, sequence, ctrl = false, meta = false }: Key): KeyEffect {
    if (name === 'return' || name === 'enter') this.isTyping = false
    else if (name === 'escape') {
      this.isTyping = false
      this.filter = ''
    } else if (name === 'backspace') this.filter = [...this.filter].slice(0, -1).join('')
    else if (ctrl && name === 'u') this.filter = ''
    else if (!ctrl && !meta && sequence !== undefined && /^[^\p{Cc}]+$/u.test(sequence))
      this.filter += sequence
    else return 'none'
    return 'redraw'
  }
}

/** Sort orders of the table. */
export const SORTS = ['cost', 'rate', 'queries', 'database', 'p99'] as const
export type Sort = (typeof SORTS)[number]

const VALUES: Readonly<Record<Sort, (route: RouteFigures) => number>> = {
  cost: ({ load }) => load,
  rate: ({ perSecond }) => perSecond,
  queries: ({ queries }) => queries,
  database: ({ databaseMs }) => databaseMs,
  p99: ({ p99 }) => p99,
}

/**
 * Sorts by a figure in descending order, then by database time, then by name, so that the order is stable.
 */
export function sortRoutes(routes: readonly RouteFigures[], sort: Sort, isReversed = false): RouteFigures[] {
  const value = VALUES[sort]
  const sorted = [...routes].sort((a, b) => {
    const difference = (value(b) - value(a)) * (isReversed ? -1 : 1)
    return difference || b.databaseMs * b.sample - a.databaseMs * a.sample || (a.name < b.name ? -1 : 1)
  })
  return sorted
}

/** Routes whose name contains the string, case-insensitively. */
export function filterRoutes(routes: readonly RouteFigures[], text: string): readonly RouteFigures[] {
  const pattern = text.trim().toLowerCase()
  return pattern === '' ? routes : routes.filter(({ name }) => name.toLowerCase().includes(pattern))
}
